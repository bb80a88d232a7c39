#include <thread>

#include "http_client.h"
#include "language.h"
#include "pair_clients.h"
#include "scenarios.h"
#include "server_process.h"

namespace simpleim::bench {
namespace {

/// The last message of each conversation is there to be found.
void wait_for_index(HttpClient& http, const std::string& token, std::size_t conversations) {
  for (int i = 0; i < 20'000; ++i) {
    const auto answer = http.request("GET", "/api/search/messages?limit=50&q=thelastone", "", token);
    std::size_t hits = 0;
    for (auto at = answer.find("\"highlights\""); at != std::string::npos; at = answer.find("\"highlights\"", at + 1))
      ++hits;
    if (hits >= std::min<std::size_t>(50, conversations)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  throw std::runtime_error("the search index did not come to the end");
}

}  // namespace

Report run_search(const Options& options) {
  Report report{"search", {}};
  ServerProcess server(options.binary, options.data_root, options.settings);
  PairClients chat(server.port(), options.pairs, "find");
  chat.to_one = true;
  // One socket does not take what a hundred send, and those that are silent for a minute are closed.
  for (auto& client : chat.clients)
    if (!chat.is_sender(client)) client.close();
  Language language(1);
  chat.make_text = [&](std::string& text) { language.sentence(text); };
  Meter meter;
  const auto filling = now_ns();
  while (meter.acked < options.messages) run_window(chat, 64, 1, meter, nullptr);
  settle(chat);
  chat.make_text = [](std::string& text) { text = "thelastone"; };
  for (auto& client : chat.clients)
    if (chat.is_sender(client)) chat.send(client), client.flush();
  settle(chat);
  report.plain("messages", static_cast<double>(meter.acked), "");
  report.plain("filled at", static_cast<double>(meter.acked) / seconds_since(filling), "messages/s");
  HttpClient http(server.port());
  const auto& reader = chat.accounts[1];
  wait_for_index(http, reader.token, options.pairs);
  report.plain("all found after", seconds_since(filling), "s");
  // The index merges its parts while nothing new comes.
  std::this_thread::sleep_for(std::chrono::seconds(10 + static_cast<int>(meter.acked / 200'000)));
  for (const auto& [name, make] : language.queries()) {
    Latencies latencies;
    for (int i = 0; i < 300; ++i) {
      const auto path = "/api/search/messages?limit=20&q=" + percent_encoded(make());
      const auto start = now_ns();
      (void)http.request("GET", path, "", reader.token);
      latencies.add(now_ns() - start);
    }
    report.plain("p50, " + name, latencies.percentile(50), "ms");
    report.at_most("p99, " + name, latencies.percentile(99), "ms", 50);
  }
  return report;
}

}  // namespace simpleim::bench
