#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "commands/actions.h"
#include "commands/workplace.h"
#include "net/listener.h"
#include "store/sqlite/maintenance.h"

namespace simpleim::commands {
namespace {

/// "" or what is wrong; the bus connects on a thread of its own, which is waited for.
std::string bus_problem(const base::Config& config, Workplace& place) {
  const auto bus = make_bus(config, place.on.clock, place.on.random, place.on.metrics);
  bus->listen([](auto, auto) {}, [] {});
  const auto until = place.on.clock.steady_ms() + config.cluster.deadline_ms;
  while (!bus->health().empty() && place.on.clock.steady_ms() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return bus->health();
}

}  // namespace

int check(const Options& options) {
  const auto config = configured(options);
  (void)net::parse_endpoint(config.server.listen);
  if (!config.server.admin_listen.empty()) (void)net::parse_endpoint(config.server.admin_listen);
  if (!config.tls.cert_file.empty()) net::TlsContext(config.tls.cert_file, config.tls.key_file);
  std::cout << "configuration: ok\n";
  for (const auto& variable : base::unknown_environment(environ))
    std::cout << "environment: " << variable.name << " is not known and changes nothing; the nearest is "
              << variable.nearest << "\n";
  if (!config.search.url.empty()) {
    Foundations on;
    make_shared_search_index(config, on.clock, on.random, on.metrics)->open();
    std::cout << "search: ok\n";
  }
  if (!is_embedded(config)) {
    Workplace place(config);
    std::cout << "database: ok\n";
    if (const auto problem = bus_problem(config, place); !problem.empty()) throw Failure{"bus: " + problem};
    std::cout << "bus: ok\n";
    return 0;
  }
  const auto path = config.server.data_dir + "/simpleim.db";
  if (!std::filesystem::exists(path)) {
    std::cout << "database: " << path << " will be made at the first start\n";
    return 0;
  }
  if (const auto problem = store::sqlite::check_file(path); !problem.empty()) throw Failure{"database: " + problem};
  std::cout << "database: ok\n";
  return 0;
}

}  // namespace simpleim::commands
