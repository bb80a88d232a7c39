#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/random.h"
#include "cluster/bus.h"
#include "cluster/presence_directory.h"
#include "store/file_store.h"
#include "store/message_archive.h"
#include "store/mysql/options.h"
#include "store/opensearch/search_index.h"
#include "store/store.h"

/// Which backend stands behind which port.
namespace simpleim {

/// What a node stores with, as configured: MySQL, else SQLite in the data folder. Throws StoreError.
struct OpenedStore {
  std::unique_ptr<store::Store> store;
  /// Signs tokens; the same for all nodes that share a store.
  std::string key;
};
OpenedStore open_store(const base::Config& config, std::size_t readers, const base::Clock& clock, base::Random& random,
                       base::Metrics& metrics);
/// The store is a file in the data folder.
bool is_embedded(const base::Config& config);

store::mysql::MysqlOptions mysql_options(const base::Config& config, std::size_t readers, base::Metrics& metrics);
/// Null: messages lie in MySQL.
std::unique_ptr<store::MessageArchive> open_archive(const base::Config& config, const base::Clock& clock,
                                                    base::Metrics& metrics);

/// An index that all nodes share (search.url), else one in the data folder. It takes part in the choice of the node
/// that writes. A server that does not answer is waited for later; one that is of no use throws StoreError.
std::unique_ptr<store::SearchIndex> open_search_index(const base::Config& config, const base::Clock& clock,
                                                      base::Random& random, base::Metrics& metrics);
/// Nothing: each node has an index of its own.
std::unique_ptr<store::opensearch::OpenSearchIndex> make_shared_search_index(const base::Config& config,
                                                                             const base::Clock& clock,
                                                                             base::Random& random,
                                                                             base::Metrics& metrics);

/// An S3 bucket, else the data folder. Throws StoreError.
std::unique_ptr<store::FileStore> open_file_store(const base::Config& config, const base::Clock& clock,
                                                  base::Metrics& metrics);

/// Where browsers get files from beside this server (files.public_url, files.s3_public); "": nowhere.
std::string files_origin(const base::Config& config);

std::unique_ptr<cluster::Bus> make_bus(const base::Config& config, const base::Clock& clock, base::Random& random,
                                       base::Metrics& metrics);
std::unique_ptr<cluster::PresenceDirectory> make_presence_directory(const base::Config& config,
                                                                    const base::Clock& clock, base::Random& random,
                                                                    base::Metrics& metrics);

}  // namespace simpleim
