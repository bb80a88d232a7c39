#include "composition/stores.h"

#include "cluster/sealed_bus.h"

namespace simpleim {
namespace {

/// Others may reach Redis; what one process tells itself needs no code.
std::unique_ptr<cluster::Bus> open_bus(const base::Config& config, std::string_view key, Foundations& on) {
  auto bus = make_bus(config, on.clock, on.random, on.metrics);
  if (config.cluster.redis.empty()) return bus;
  return std::make_unique<cluster::SealedBus>(std::move(bus), key, on.clock);
}

}  // namespace

Stores::Stores(const base::Config& config, Foundations& on)
    : opened(open_store(config, static_cast<std::size_t>(config.store.readers), on.clock, on.random, on.metrics)),
      main(*opened.store),
      search_index(open_search_index(config, on.clock, on.random, on.metrics)),
      contents(open_file_store(config, on.clock, on.metrics)),
      bus(open_bus(config, opened.key, on)),
      presence(make_presence_directory(config, on.clock, on.random, on.metrics)) {}

}  // namespace simpleim
