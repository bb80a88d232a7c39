#include "contract/backends.h"

#include "cluster/in_process/bus.h"
#include "cluster/in_process/presence_directory.h"
#include "cluster/redis/bus.h"
#include "cluster/redis/partitions.h"
#include "cluster/redis/presence_directory.h"
#include "cluster/sealed_bus.h"
#include "servers/mariadb_server.h"
#include "servers/minio_server.h"
#include "servers/mongo_server.h"
#include "servers/opensearch_server.h"
#include "servers/redis_server.h"
#include "store/local_files/local_file_store.h"
#include "store/mongo/message_archive.h"
#include "store/mysql/mysql_store.h"
#include "store/opensearch/search_index.h"
#include "store/s3/s3_file_store.h"
#include "store/sqlite/search_index.h"
#include "store/sqlite/sqlite_store.h"
#include "support.h"

namespace simpleim::test {
namespace {

/// What a contract says holds however slow the machine is.
template <class Options>
Options unhurried(Options options) {
  options.deadline_ms = 20'000;
  return options;
}

class SqlitePlace final : public StorePlace {
 public:
  std::unique_ptr<store::Store> open() override {
    return std::make_unique<store::sqlite::SqliteStore>(dir_.file("simpleim.db"), 2);
  }

 private:
  TempDir dir_;
};

const base::Clock& system_clock() {
  static const base::SystemClock clock;
  return clock;
}

base::Random& secure_random() {
  static base::SecureRandom random;
  return random;
}

/// A database of its own on the shared server.
class MysqlPlace final : public StorePlace {
 public:
  std::unique_ptr<store::Store> open() override {
    return std::make_unique<store::mysql::MysqlStore>(options_, system_clock(), secure_random());
  }

 private:
  const store::mysql::MysqlOptions options_ = unhurried(MariaDbServer::shared().options());
};

/// The same with its messages in a MongoDB.
class MongoPlace final : public StorePlace {
 public:
  std::unique_ptr<store::Store> open() override {
    return std::make_unique<store::mysql::MysqlStore>(
        options_, system_clock(), secure_random(),
        std::make_unique<store::mongo::MongoMessageArchive>(mongo_, system_clock()));
  }

 private:
  const store::mysql::MysqlOptions options_ = unhurried(MariaDbServer::shared().options());
  const store::mongo::MongoOptions mongo_ = unhurried(MongoServer::shared().options());
};

class LocalFilesPlace final : public FilePlace {
 public:
  std::unique_ptr<store::FileStore> open() override {
    return std::make_unique<store::local_files::LocalFileStore>(dir_.file("files"), 0);
  }

 private:
  TempDir dir_;
};

class S3Place final : public FilePlace {
 public:
  std::unique_ptr<store::FileStore> open() override {
    return std::make_unique<store::s3::S3FileStore>(options_, system_clock());
  }

 private:
  const store::s3::S3Options options_ = MinioServer::shared().options();
};

/// The folder goes after the index.
class SqliteSearchPlace : private TempDir, public store::sqlite::SqliteSearchIndex {
 public:
  static constexpr std::int64_t kEraDocuments = 1500;
  SqliteSearchPlace() : SqliteSearchIndex(file("search.db"), 2, kEraDocuments) {}
};

}  // namespace

std::vector<StoreBackend> store_backends() {
  return {{"sqlite", [] { return std::make_unique<SqlitePlace>(); }},
          {"mysql", [] { return std::make_unique<MysqlPlace>(); }},
          {"mongo", [] { return std::make_unique<MongoPlace>(); }}};
}

std::vector<FileBackend> file_backends() {
  return {{"local_files", [] { return std::make_unique<LocalFilesPlace>(); }},
          {"s3", [] { return std::make_unique<S3Place>(); }}};
}

std::vector<SearchBackend> search_backends() {
  return {{"sqlite", [] { return std::make_unique<SqliteSearchPlace>(); }},
          {"opensearch", [] {
             auto index = std::make_unique<store::opensearch::OpenSearchIndex>(OpenSearchServer::shared().options(),
                                                                               system_clock(), secure_random());
             index->open();
             return index;
           }}};
}

std::vector<BusBackend> bus_backends() {
  return {{"in_process",
           [](std::size_t nodes) {
             auto hub = std::make_shared<cluster::in_process::BusHub>();
             std::vector<std::unique_ptr<cluster::Bus>> all;
             for (std::size_t i = 0; i < nodes; ++i)
               all.push_back(std::make_unique<cluster::in_process::InProcessBus>(hub));
             return all;
           }},
          {"redis",
           [](std::size_t nodes) {
             static base::Metrics metrics;
             const auto options = RedisServer::shared().options();
             std::vector<std::unique_ptr<cluster::Bus>> all;
             for (std::size_t i = 0; i < nodes; ++i)
               all.push_back(
                   std::make_unique<cluster::redis::RedisBus>(options, system_clock(), secure_random(), metrics.bus()));
             return all;
           }},
          {"sealed_redis",
           [](std::size_t nodes) {
             static base::Metrics metrics;
             const auto options = RedisServer::shared().options();
             std::vector<std::unique_ptr<cluster::Bus>> all;
             for (std::size_t i = 0; i < nodes; ++i)
               all.push_back(std::make_unique<cluster::SealedBus>(
                   std::make_unique<cluster::redis::RedisBus>(options, system_clock(), secure_random(), metrics.bus()),
                   std::string(32, 'k'), system_clock()));
             return all;
           }},
          {"redis_cluster", [](std::size_t nodes) {
             static base::Metrics metrics;
             const auto options = RedisCluster::shared().options();
             std::vector<std::unique_ptr<cluster::Bus>> all;
             const auto make = [](const cluster::redis::RedisOptions& of) {
               return std::make_unique<cluster::redis::RedisBus>(of, system_clock(), secure_random(), metrics.bus());
             };
             for (std::size_t i = 0; i < nodes; ++i)
               all.push_back(std::make_unique<cluster::redis::PartitionedBus>(
                   cluster::redis::make_parts<cluster::Bus>(options, make)));
             return all;
           }}};
}

std::vector<PresenceBackend> presence_backends() {
  return {{"in_process", [] { return std::make_unique<cluster::in_process::InProcessPresenceDirectory>(); }},
          {"redis",
           [] {
             return std::make_unique<cluster::redis::RedisPresenceDirectory>(RedisServer::shared().options(),
                                                                             system_clock(), secure_random());
           }},
          {"redis_cluster", [] {
             const auto make = [](const cluster::redis::RedisOptions& of) {
               return std::make_unique<cluster::redis::RedisPresenceDirectory>(of, system_clock(), secure_random());
             };
             return std::make_unique<cluster::redis::PartitionedPresenceDirectory>(
                 cluster::redis::make_parts<cluster::PresenceDirectory>(RedisCluster::shared().options(), make));
           }}};
}

}  // namespace simpleim::test
