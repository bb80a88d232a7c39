#include "composition/backends.h"

#include <filesystem>

#include "base/log.h"
#include "base/service_url.h"
#include "cluster/in_process/bus.h"
#include "cluster/in_process/presence_directory.h"
#include "cluster/redis/bus.h"
#include "cluster/redis/partitions.h"
#include "cluster/redis/presence_directory.h"
#include "service/accounts/tokens.h"
#include "store/local_files/local_file_store.h"
#include "store/mongo/message_archive.h"
#include "store/mysql/mysql_store.h"
#include "store/s3/s3_file_store.h"
#include "store/sqlite/search_index.h"
#include "store/sqlite/sqlite_store.h"

namespace simpleim {
namespace {

constexpr int kSearchPort = 9200;

std::string origin_of(const base::ServiceUrl& url) {
  const auto& host = url.hosts.front();
  return url.scheme + "://" + host.host + (host.port != 0 ? ":" + std::to_string(host.port) : "");
}

cluster::redis::RedisOptions redis_options(const base::Config& config) {
  const auto url = base::ServiceUrl::parse(config.cluster.redis).value();
  cluster::redis::RedisOptions options;
  using Kind = cluster::redis::RedisOptions::Kind;
  options.kind = url.scheme == "redis+sentinel"  ? Kind::kSentinel
                 : url.scheme == "redis+cluster" ? Kind::kCluster
                                                 : Kind::kServer;
  options.addresses = url.hosts;
  for (auto& address : options.addresses)
    if (address.port == 0) address.port = options.kind == Kind::kSentinel ? 26379 : 6379;
  options.master = url.path;
  options.user = url.user;
  options.password = url.password;
  options.prefix = config.cluster.prefix;
  options.deadline_ms = config.cluster.deadline_ms;
  return options;
}

/// Where the bucket is asked for, at one of the store's addresses.
std::string bucket_origin(const base::Config& config, base::ServiceUrl address) {
  const auto bucket = base::ServiceUrl::parse(config.files.s3)->path;
  if (config.files.s3_bucket_in_host)
    for (auto& host : address.hosts) host.host.insert(0, bucket + ".");
  return origin_of(address);
}

/// Where browsers reach the bucket; "": they do not.
std::string public_bucket_origin(const base::Config& config) {
  const auto url = base::ServiceUrl::parse(config.files.s3_public);
  return url && !config.files.s3.empty() ? bucket_origin(config, *url) : "";
}

}  // namespace

store::mysql::MysqlOptions mysql_options(const base::Config& config, std::size_t readers, base::Metrics& metrics) {
  const auto url = base::ServiceUrl::parse(config.store.mysql).value();
  store::mysql::MysqlOptions options;
  options.hosts = url.hosts;
  for (auto& host : options.hosts)
    if (host.port == 0) host.port = store::mysql::MysqlOptions::kPort;
  options.ca_file = config.store.mysql_ca;
  if (!url.user.empty()) options.user = url.user;
  options.password = url.password;
  if (!url.path.empty()) options.database = url.path;
  options.readers = readers;
  options.deadline_ms = config.store.deadline_ms;
  options.node = config.server.node_id;
  options.metrics = metrics.backend("mysql");
  return options;
}

std::unique_ptr<store::MessageArchive> open_archive(const base::Config& config, const base::Clock& clock,
                                                    base::Metrics& metrics) {
  if (config.store.mongo.empty()) return nullptr;
  store::mongo::MongoOptions options;
  options.uri = config.store.mongo;
  options.metrics = metrics.backend("mongo");
  options.deadline_ms = config.store.deadline_ms;
  // The path, as far as it is one: hosts may be several, which no URL parser of one host takes.
  const auto start = options.uri.find('/', options.uri.find("://") + 3);
  if (start != std::string::npos) {
    const auto name = options.uri.substr(start + 1, options.uri.find('?') - start - 1);
    if (!name.empty()) options.database = name;
  }
  return std::make_unique<store::mongo::MongoMessageArchive>(options, clock);
}

bool is_embedded(const base::Config& config) { return config.store.mysql.empty(); }

OpenedStore open_store(const base::Config& config, std::size_t readers, const base::Clock& clock, base::Random& random,
                       base::Metrics& metrics) {
  if (is_embedded(config))
    return {std::make_unique<store::sqlite::SqliteStore>(config.server.data_dir + "/simpleim.db", readers),
            service::load_or_make_key(config.server.data_dir + "/jwt.key")};
  auto mysql = std::make_unique<store::mysql::MysqlStore>(mysql_options(config, readers, metrics), clock, random,
                                                          open_archive(config, clock, metrics));
  std::string proposed(service::Tokens::kKeyBytes, '\0');
  random.fill(proposed.data(), proposed.size());
  auto key = mysql->setting("jwt_key", proposed);
  return {std::move(mysql), std::move(key)};
}

std::unique_ptr<store::opensearch::OpenSearchIndex> make_shared_search_index(const base::Config& config,
                                                                             const base::Clock& clock,
                                                                             base::Random& random,
                                                                             base::Metrics& metrics) {
  if (config.search.url.empty()) return nullptr;
  const auto url = base::ServiceUrl::parse(config.search.url).value();
  store::opensearch::OpenSearchOptions options;
  for (const auto& host : url.hosts)
    options.endpoints.push_back(url.scheme + "://" + host.host + ":" +
                                std::to_string(host.port != 0 ? host.port : kSearchPort));
  options.user = url.user;
  options.password = url.password;
  options.ca_file = config.search.ca;
  if (!url.path.empty()) options.index = url.path;
  options.node = config.server.node_id;
  options.deadline_ms = config.search.deadline_ms;
  options.metrics = metrics.backend("search");
  return std::make_unique<store::opensearch::OpenSearchIndex>(options, clock, random);
}

std::unique_ptr<store::SearchIndex> open_search_index(const base::Config& config, const base::Clock& clock,
                                                      base::Random& random, base::Metrics& metrics) {
  auto shared = make_shared_search_index(config, clock, random, metrics);
  if (!shared)
    return std::make_unique<store::sqlite::SqliteSearchIndex>(config.server.data_dir + "/search.db",
                                                              static_cast<std::size_t>(config.store.readers));
  try {
    shared->open();
  } catch (const store::StoreError& e) {
    if (e.code() != protocol::ErrorCode::kUnavailable) throw;
    base::log::warn("search waits for its server", {{"why", e.what()}});
  }
  shared->campaign();
  return shared;
}

std::string files_origin(const base::Config& config) {
  if (const auto cdn = base::ServiceUrl::parse(config.files.public_url)) return origin_of(*cdn);
  return public_bucket_origin(config);
}

std::unique_ptr<store::FileStore> open_file_store(const base::Config& config, const base::Clock& clock,
                                                  base::Metrics& metrics) {
  const auto folder = config.server.data_dir + "/files";
  if (config.files.s3.empty())
    return std::make_unique<store::local_files::LocalFileStore>(folder, config.files.keep_free_bytes);
  const auto url = base::ServiceUrl::parse(config.files.s3).value();
  store::s3::S3Options options;
  options.endpoint = bucket_origin(config, url);
  options.public_endpoint = public_bucket_origin(config);
  options.bucket = url.path;
  options.bucket_in_host = config.files.s3_bucket_in_host;
  options.region = config.files.s3_region;
  options.access_key = url.user;
  options.secret_key = url.password;
  options.deadline_ms = config.files.s3_deadline_ms;
  options.scratch_dir = folder + "/tmp";
  options.metrics = metrics.backend("s3");
  std::filesystem::create_directories(options.scratch_dir);
  // What a node that ended left behind.
  for (const auto& entry : std::filesystem::directory_iterator(options.scratch_dir))
    if (entry.path().filename().string().starts_with("copy-")) std::filesystem::remove(entry.path());
  return std::make_unique<store::s3::S3FileStore>(options, clock);
}

std::unique_ptr<cluster::Bus> make_bus(const base::Config& config, const base::Clock& clock, base::Random& random,
                                       base::Metrics& metrics) {
  if (config.cluster.redis.empty())
    return std::make_unique<cluster::in_process::InProcessBus>(std::make_shared<cluster::in_process::BusHub>());
  const auto options = redis_options(config);
  const auto make = [&](const cluster::redis::RedisOptions& of) {
    return std::make_unique<cluster::redis::RedisBus>(of, clock, random, metrics.bus());
  };
  if (options.kind != cluster::redis::RedisOptions::Kind::kCluster) return make(options);
  return std::make_unique<cluster::redis::PartitionedBus>(cluster::redis::make_parts<cluster::Bus>(options, make));
}

std::unique_ptr<cluster::PresenceDirectory> make_presence_directory(const base::Config& config,
                                                                    const base::Clock& clock, base::Random& random,
                                                                    base::Metrics& metrics) {
  if (config.cluster.redis.empty()) return std::make_unique<cluster::in_process::InProcessPresenceDirectory>();
  const auto options = redis_options(config);
  const auto make = [&](const cluster::redis::RedisOptions& of) {
    return std::make_unique<cluster::redis::RedisPresenceDirectory>(
        of, clock, random, cluster::redis::RedisPresenceDirectory::kTtlMs, metrics.backend("presence"));
  };
  if (options.kind != cluster::redis::RedisOptions::Kind::kCluster) return make(options);
  return std::make_unique<cluster::redis::PartitionedPresenceDirectory>(
      cluster::redis::make_parts<cluster::PresenceDirectory>(options, make));
}

}  // namespace simpleim
