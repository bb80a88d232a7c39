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

}  // namespace

int reindex(const Options& options) {
  const auto config = configured(options);
  require_database(config);
  const auto dir = config.server.data_dir;
  const base::DataDirLock lock(dir);
  const Workplace place(config);
  store::sqlite::SqliteSearchIndex index(dir + "/search.db", 1);
  index.clear();
  NoSink nobody;
  service::SearchIndexer indexer(*place.opened.store, index, nobody);
  indexer.index_all([](std::int64_t messages) { std::cout << "\r" << messages << " messages" << std::flush; });
  std::cout << "\nthe search index is as new as the messages\n";
  return 0;
}

}  // namespace simpleim::commands
