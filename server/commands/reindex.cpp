#include <iostream>

#include "base/data_dir_lock.h"
#include "commands/actions.h"
#include "commands/workplace.h"
#include "service/search/search_indexer.h"
#include "store/sqlite/search_index.h"

namespace simpleim::commands {
namespace {

class NoSink final : public service::EventSink {
  void deliver(std::vector<service::Event>&&, std::int64_t) override {}
};

void fill(store::Store& store, store::SearchIndex& index) {
  NoSink nobody;
  service::SearchIndexer indexer(store, index, nobody);
  indexer.index_all([](std::int64_t messages) { std::cout << "\r" << messages << " messages" << std::flush; });
}

}  // namespace

int reindex(const Options& options) {
  const auto config = configured(options);
  require_database(config);
  const auto dir = config.server.data_dir;
  // Nodes go on meanwhile where neither the messages nor the index lie in this folder.
  std::optional<base::DataDirLock> lock;
  if (is_embedded(config) || config.search.url.empty()) lock.emplace(dir);
  Workplace place(config);
  if (auto shared = make_shared_search_index(config, place.on.clock, place.on.random, place.on.metrics)) {
    shared->rebuild([&](store::SearchIndex& index) { fill(*place.opened.store, index); });
  } else {
    store::sqlite::SqliteSearchIndex index(dir + "/search.db", 1);
    index.clear();
    fill(*place.opened.store, index);
  }
  std::cout << "\nthe search index is as new as the messages\n";
  return 0;
}

}  // namespace simpleim::commands
