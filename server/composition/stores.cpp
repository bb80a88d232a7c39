#include "composition/stores.h"

namespace simpleim {

Stores::Stores(const base::Config& config, Foundations& on)
    : opened(open_store(config, static_cast<std::size_t>(config.store.readers), on.clock, on.random, on.metrics)),
      main(*opened.store),
      search_index(config.server.data_dir + "/search.db", static_cast<std::size_t>(config.store.readers)),
      contents(open_file_store(config, on.clock, on.metrics)),
      bus(make_bus(config, on.clock, on.random, on.metrics)),
      presence(make_presence_directory(config, on.clock, on.random, on.metrics)) {}

}  // namespace simpleim
