#include <stdexcept>

#include "centrifugo.h"
#include "fanout.h"
#include "server_process.h"

namespace simpleim::bench {
namespace {

/// What one side of a comparison did in a stretch.
struct Side {
  double per_second = 0;
  double cpu_us = 0;
  double p50 = 0;
  double p99 = 0;
};

template <class Server, class Run>
Side measure(const Server& server, double seconds, Meter& meter, Latencies& latencies, Run&& run) {
  run(seconds / 5);
  meter = {};
  latencies = {};
  const auto cpu = server.cpu_seconds();
  const auto start = now_ns();
  run(seconds);
  const auto delivered = static_cast<double>(meter.delivered);
  return {delivered / seconds_since(start), (server.cpu_seconds() - cpu) / delivered * 1e6, latencies.percentile(50),
          latencies.percentile(99)};
}

void add(Report& report, const std::string& what, const Side& ours, const Side& theirs) {
  report.plain(what + ": CPU a delivery, Centrifugo's / ours", theirs.cpu_us / ours.cpu_us, "times");
  report.plain(what + ": deliveries a second, ours / Centrifugo's", ours.per_second / theirs.per_second, "times");
  for (const auto& [name, side] : {std::pair("SimpleIM", ours), std::pair("Centrifugo", theirs)}) {
    report.plain(what + ", " + name + ": deliveries", side.per_second, "/s");
    report.plain(what + ", " + name + ": server CPU a delivery", side.cpu_us, "µs");
    report.plain(what + ", " + name + ": p50 at full load", side.p50, "ms");
    report.plain(what + ", " + name + ": p99 at full load", side.p99, "ms");
  }
}

Side our_pairs(const Options& options) {
  ServerProcess server(options.binary, options.data_root, options.settings);
  PairClients chat(server.port(), options.pairs, "pair");
  Meter meter;
  Latencies latencies;
  return measure(server, options.seconds, meter, latencies,
                 [&](double seconds) { run_window(chat, options.window, seconds, meter, &latencies); });
}

Side our_group(const Options& options) {
  ServerProcess server(options.binary, options.data_root, options.settings);
  Fanout fanout(options, {server.port()}, "member");
  return measure(server, options.seconds, fanout.meter, fanout.latencies, [&](double seconds) { fanout.run(seconds); });
}

Side their_pairs(const Options& options) {
  CentrifugoProcess server(options.centrifugo, options.data_root);
  std::vector<std::string> listens;
  std::vector<std::string> publishes;
  for (std::size_t i = 0; i < options.pairs; ++i) {
    listens.insert(listens.end(), {"user" + std::to_string(2 * i), "user" + std::to_string(2 * i + 1)});
    publishes.insert(publishes.end(), {"user" + std::to_string(2 * i + 1), ""});
  }
  CentrifugoClients clients(server.port(), listens, publishes);
  return measure(server, options.seconds, clients.meter, clients.latencies,
                 [&](double seconds) { clients.run(options.window, seconds); });
}

Side their_group(const Options& options) {
  CentrifugoProcess server(options.centrifugo, options.data_root);
  std::vector<std::string> publishes(options.members);
  for (std::size_t i = 0; i < options.senders; ++i) publishes[i] = "all";
  CentrifugoClients clients(server.port(), std::vector<std::string>(options.members, "all"), publishes);
  return measure(server, options.seconds, clients.meter, clients.latencies,
                 [&](double seconds) { clients.run(options.fanout_window, seconds); });
}

}  // namespace

Report run_peers(const Options& options) {
  if (options.centrifugo.empty()) throw std::runtime_error("peers needs --centrifugo BINARY");
  Report report{"peers", {}};
  add(report, "one to one", our_pairs(options), their_pairs(options));
  add(report, "a group of " + std::to_string(options.members), our_group(options), their_group(options));
  return report;
}

}  // namespace simpleim::bench
