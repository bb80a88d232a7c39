#include "fanout.h"

#include <stdexcept>

#include "http_client.h"
#include "server_process.h"

namespace simpleim::bench {

Fanout::Fanout(const Options& options, const std::vector<unsigned short>& ports, const std::string& prefix,
               bool one_sends)
    : options_(options), clients_(options.members) {
  const auto accounts = make_accounts(ports.front(), options.members, prefix);
  HttpClient http(ports.front());
  std::string ids;
  for (std::size_t i = 1; i < accounts.size(); ++i) ids += (i == 1 ? "\"" : ",\"") + accounts[i].user_id + "\"";
  const auto created =
      http.request("POST", "/api/groups", R"({"name":"all","member_ids":[)" + ids + "]}", accounts[0].token);
  group_ = json_text(created, "group_id");
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].index = i;
    clients_[i].open(ports[one_sends && i < options.senders ? 0 : i % ports.size()], accounts[i]);
    poller_.add(clients_[i]);
  }
}

void Fanout::send(ChatClient& client) {
  stamp_text(text_);
  client.queue_text(true, group_, text_);
  ++client.in_flight;
}

void Fanout::run(double seconds) {
  for (std::size_t i = 0; i < options_.senders; ++i) {
    while (clients_[i].in_flight < options_.fanout_window) send(clients_[i]);
    clients_[i].flush();
  }
  const auto start = now_ns();
  while (seconds_since(start) < seconds)
    poller_.wait(100, [&](ChatClient& client) {
      const bool open = client.read([&](int type, std::string_view json) {
        if (type == 30) {
          expect_ack(json, meter);
          --client.in_flight;
          send(client);
        } else if (is_message(type) && (++meter.delivered & 1023) == 0) {
          latencies.add(now_ns() - stamp_of(json));
        }
      });
      if (!open) throw std::runtime_error("the server closed a connection");
      client.flush();
    });
}

Report run_fanout(const Options& options) {
  Report report{"fanout", {}};
  ServerProcess server(options.binary, options.data_root, options.settings);
  Fanout fanout(options, {server.port()}, "member");
  fanout.run(options.seconds / 5);
  fanout.meter = {};
  fanout.latencies = {};
  const auto cpu = server.cpu_seconds();
  const auto own = own_cpu_seconds();
  const auto received = ChatClient::received_bytes;
  const auto start = now_ns();
  fanout.run(options.seconds);
  const auto delivered = static_cast<double>(fanout.meter.delivered);
  report.at_least("deliveries", delivered / seconds_since(start), "/s", 1'500'000);
  report.at_most("server CPU a delivery", (server.cpu_seconds() - cpu) / delivered * 1e6, "µs", 0.8);
  report.plain("client CPU a delivery", (own_cpu_seconds() - own) / delivered * 1e6, "µs");
  report.plain("bytes a delivery", static_cast<double>(ChatClient::received_bytes - received) / delivered, "bytes");
  report.plain("durable messages", static_cast<double>(fanout.meter.acked) / seconds_since(start), "acked/s");
  report.plain("p50 at full load", fanout.latencies.percentile(50), "ms");
  report.plain("p99 at full load", fanout.latencies.percentile(99), "ms");
  return report;
}

}  // namespace simpleim::bench
