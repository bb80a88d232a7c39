#include "scenarios.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <stdexcept>
#include <thread>

#include "http_client.h"
#include "pair_clients.h"
#include "server_process.h"

namespace simpleim::bench {
namespace {

/// Source addresses, so that many connections do not run out of ports. Who comes back dials from
/// another one: a port whose old connection the server has not closed yet would cost seconds of
/// SYN retries that are no server's doing.
const char* source_of(std::size_t i, bool again = false) {
  static const std::array kSources{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"};
  static const std::array kSourcesAgain{"127.0.0.6", "127.0.0.7", "127.0.0.8", "127.0.0.9"};
  return again ? kSourcesAgain[i % kSourcesAgain.size()] : kSources[i % kSources.size()];
}

}  // namespace

void Report::at_least(const std::string& name, double value, const std::string& unit, double target) {
  char text[32];
  std::snprintf(text, sizeof text, "≥ %.10g", target);
  figures.push_back({name, value, unit, text, value >= target});
}
void Report::at_most(const std::string& name, double value, const std::string& unit, double target) {
  char text[32];
  std::snprintf(text, sizeof text, "≤ %.10g", target);
  figures.push_back({name, value, unit, text, value <= target});
}
void Report::plain(const std::string& name, double value, const std::string& unit) {
  figures.push_back({name, value, unit, "", true});
}

Report run_pairs(const Options& options) {
  Report report{"pairs", {}};
  ServerProcess server(options.binary, options.data_root, options.settings);
  PairClients chat(server.port(), options.pairs, "pair");
  Meter warm_up;
  run_window(chat, options.window, options.seconds / 5, warm_up, nullptr);
  Meter meter;
  Latencies busy;
  const auto cpu = server.cpu_seconds();
  const auto own = own_cpu_seconds();
  const auto received = ChatClient::received_bytes;
  const auto start = now_ns();
  run_window(chat, options.window, options.seconds, meter, &busy);
  const auto seconds = seconds_since(start);
  const auto delivered = static_cast<double>(meter.delivered);
  const auto server_cpu = server.cpu_seconds() - cpu;
  report.at_least("durable messages", static_cast<double>(meter.acked) / seconds, "acked/s", 150'000);
  report.at_most("server CPU a delivery", server_cpu / delivered * 1e6, "µs", 8);
  report.plain("client CPU a delivery", (own_cpu_seconds() - own) / delivered * 1e6, "µs");
  report.plain("bytes a message and its ACK", static_cast<double>(ChatClient::received_bytes - received) / delivered,
               "bytes");
  report.plain("p50 at full load", busy.percentile(50), "ms");
  report.plain("p99 at full load", busy.percentile(99), "ms");
  report.plain("refused", static_cast<double>(meter.refused), "messages");
  settle(chat);
  Latencies calm;
  run_rate(chat, options.rate, 1, calm);  // warm up
  Latencies measured;
  run_rate(chat, options.rate, options.seconds, measured);
  const auto at = " at " + std::to_string(static_cast<int>(options.rate)) + "/s";
  report.at_most("p50" + at, measured.percentile(50), "ms", 1);
  report.at_most("p99" + at, measured.percentile(99), "ms", 5);
  report.plain("p99.9" + at, measured.percentile(99.9), "ms");
  return report;
}

Report run_idle(const Options& options) {
  Report report{"idle", {}};
  ServerProcess server(options.binary, options.data_root, options.settings);
  report.at_most("cold start, empty database", server.start_ms(), "ms", 50);
  const auto accounts = make_accounts(server.port(), options.connections, "idle");
  server.restart();
  const auto base = server.rss_kib();
  std::vector<ChatClient> clients(accounts.size());
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].open(server.port(), accounts[i], source_of(i));
  const auto loaded = server.rss_kib();
  const auto n = static_cast<double>(clients.size());
  report.at_most("base memory", base / 1024, "MiB", 25);
  report.at_most("memory a connection", (loaded - base) / n, "KiB", 4);
  report.at_most("memory with " + std::to_string(clients.size()) + " connections", loaded / 1024, "MiB", 65);
  return report;
}

Report run_storm(const Options& options) {
  Report report{"storm", {}};
  ServerProcess server(options.binary, options.data_root, options.settings);
  const auto accounts = make_accounts(server.port(), options.connections, "storm");
  std::vector<ChatClient> clients(accounts.size());
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].open(server.port(), accounts[i], source_of(i));
  PairClients chat(server.port(), 20, "steady");

  Latencies others;
  std::atomic<bool> done = false;
  std::thread chatting([&] {
    while (!done) run_rate(chat, 500, 0.1, others);
  });
  // Those who come back stand for ten thousand machines of their own, which would not take the
  // processor from those who stay.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  for (auto& client : clients) client.close();
  const auto start = now_ns();
  Poller poller;
  std::size_t synced = 0;
  std::size_t opened = 0;
  std::size_t refused = 0;
  const auto look = [&](int timeout_ms) {
    poller.wait(timeout_ms, [&](ChatClient& client) {
      try {
        const bool open = client.read([&](int type, std::string_view) { synced += type == 60; });
        if (!open) ++refused, client.close();
      } catch (const std::runtime_error&) {
        ++refused;
        client.close();
      }
    });
  };
  while (synced + refused < clients.size() && seconds_since(start) < 120) {
    for (int i = 0; i < 64 && opened < clients.size(); ++i, ++opened) {
      clients[opened].open_without_waiting(server.port(), accounts[opened], source_of(opened, true));
      poller.add(clients[opened]);
    }
    look(opened < clients.size() ? 0 : 10);
  }
  const auto seconds = seconds_since(start);
  done = true;
  chatting.join();
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 0);
  report.at_most("all of " + std::to_string(clients.size()) + " signed in and synced", seconds, "s", 5);
  report.at_most("refused", static_cast<double>(refused), "connections", 0);
  report.at_most("p99 of others' messages meanwhile", others.percentile(99), "ms", 50);
  return report;
}

Report run_history(const Options& options) {
  Report report{"history", {}};
  ServerProcess server(options.binary, options.data_root, options.settings);
  PairClients chat(server.port(), options.pairs, "page");
  Meter meter;
  while (meter.acked < options.messages) run_window(chat, 64, 1, meter, nullptr);
  settle(chat);
  server.restart();
  report.at_most("cold start with " + std::to_string(meter.acked) + " messages", server.start_ms(), "ms", 300);
  HttpClient http(server.port());
  std::mt19937_64 random(1);
  Latencies latencies;
  const auto each = meter.acked / options.pairs;
  for (int i = 0; i < 5000; ++i) {
    const auto pair = random() % options.pairs * 2;
    const auto before = 60 + random() % each;
    const auto path =
        "/api/messages/private/" + chat.accounts[pair + 1].user_id + "?limit=50&last_seq=" + std::to_string(before);
    const auto start = now_ns();
    (void)http.request("GET", path, "", chat.accounts[pair].token);
    latencies.add(now_ns() - start);
  }
  report.plain("p50 of a page of 50", latencies.percentile(50), "ms");
  report.at_most("p99 of a page of 50", latencies.percentile(99), "ms", 2);
  return report;
}

}  // namespace simpleim::bench
