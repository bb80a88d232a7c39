#include <memory>
#include <stdexcept>

#include "fanout.h"
#include "server_process.h"

namespace simpleim::bench {
namespace {

/// Nodes on what `settings` names (store.mysql, cluster.redis); "{}" in it is the measurement's number, so that each
/// has a database of its own: a node begins by indexing what is there.
struct Nodes {
  Nodes(const Options& options, std::size_t count, int measurement) {
    for (std::size_t i = 0; i < count; ++i) {
      auto settings = options.settings;
      for (auto& setting : settings)
        if (const auto at = setting.find("{}"); at != std::string::npos)
          setting.replace(at, 2, std::to_string(measurement));
      settings.push_back("server.node_id=node" + std::to_string(i + 1));
      servers.push_back(std::make_unique<ServerProcess>(options.binary, options.data_root, settings));
      ports.push_back(servers.back()->port());
    }
  }
  double cpu_seconds() const {
    double sum = 0;
    for (const auto& server : servers) sum += server->cpu_seconds();
    return sum;
  }
  /// On average so far, of all nodes.
  double messages_a_commit() const {
    double messages = 0;
    double commits = 0;
    for (const auto& server : servers) {
      messages += server->metric("simpleim_commit_batch_messages_sum");
      commits += server->metric("simpleim_commit_batch_messages_count");
    }
    return commits == 0 ? 0 : messages / commits;
  }
  std::vector<std::unique_ptr<ServerProcess>> servers;
  std::vector<unsigned short> ports;
};

/// The CPU of all nodes a delivery, µs.
double measure_fanout(const Options& options, std::size_t count, bool one_sends, Report& report) {
  const Nodes nodes(options, count, one_sends ? 4 : static_cast<int>(count));
  Fanout fanout(options, nodes.ports, "member", one_sends);
  fanout.run(options.seconds / 5);
  fanout.meter = {};
  const auto cpu = nodes.cpu_seconds();
  const auto start = now_ns();
  fanout.run(options.seconds);
  const auto delivered = static_cast<double>(fanout.meter.delivered);
  const auto each = (nodes.cpu_seconds() - cpu) / delivered * 1e6;
  const auto on = ", " + std::to_string(count) +
                  (count == 1  ? " node"
                   : one_sends ? " nodes, senders on one"
                               : " nodes, senders on both");
  report.plain("fan-out deliveries" + on, delivered / seconds_since(start), "/s");
  report.plain("fan-out durable messages" + on, static_cast<double>(fanout.meter.acked) / seconds_since(start),
               "acked/s");
  report.plain("fan-out messages a commit" + on, nodes.messages_a_commit(), "");
  report.plain("fan-out CPU a delivery" + on, each, "µs");
  return each;
}

}  // namespace

Report run_cluster(const Options& options) {
  bool has_redis = false;
  for (const auto& setting : options.settings) has_redis |= setting.starts_with("cluster.redis=");
  if (!has_redis)
    throw std::runtime_error(
        "cluster needs --set store.mysql=… --set cluster.redis=… (scripts/bench.sh cluster has them)");
  Report report{"cluster", {}};
  const auto one = measure_fanout(options, 1, false, report);
  const auto two = measure_fanout(options, 2, true, report);
  report.at_most("fan-out CPU a delivery, 2 nodes to 1", two / one, "times", 1.3);
  // Two nodes that send take turns at the group: twice as many commits, and writes to each socket, of half the
  // messages.
  const auto both = measure_fanout(options, 2, false, report);
  report.plain("fan-out CPU a delivery, 2 nodes that both send to 1", both / one, "times");

  const Nodes nodes(options, 2, 3);
  const auto rate_at = " at " + std::to_string(static_cast<int>(options.cluster_rate)) + "/s";
  {
    PairClients near(nodes.ports[0], options.pairs, "near");
    Latencies latencies;
    run_rate(near, options.cluster_rate, 1, latencies);  // warm up
    latencies = {};
    run_rate(near, options.cluster_rate, options.seconds, latencies);
    report.plain("within a node, p50" + rate_at, latencies.percentile(50), "ms");
    report.plain("within a node, p99" + rate_at, latencies.percentile(99), "ms");
  }
  PairClients chat(nodes.ports[0], options.pairs, "cross", nodes.ports[1]);
  Latencies calm;
  run_rate(chat, options.cluster_rate, 1, calm);  // warm up
  Latencies measured;
  const auto cpu = nodes.cpu_seconds();
  run_rate(chat, options.cluster_rate, options.seconds, measured);
  report.plain("across nodes, CPU of both a message" + rate_at,
               (nodes.cpu_seconds() - cpu) / (options.cluster_rate * options.seconds) * 1e6, "µs");
  report.plain("across nodes, p50" + rate_at, measured.percentile(50), "ms");
  report.at_most("across nodes, p99" + rate_at, measured.percentile(99), "ms", 10);
  settle(chat);
  Meter meter;
  const auto start = now_ns();
  run_window(chat, options.window, options.seconds, meter, nullptr);
  report.plain("messages a commit, all of the above", nodes.messages_a_commit(), "");
  report.plain("across nodes, durable messages", static_cast<double>(meter.acked) / seconds_since(start), "acked/s");
  return report;
}

}  // namespace simpleim::bench
