#include "pair_clients.h"

#include <algorithm>
#include <stdexcept>

namespace simpleim::bench {
namespace {

constexpr std::size_t kTextBytes = 100;

}  // namespace

void stamp_text(std::string& text) {
  text.clear();
  append_hex(text, now_ns());
  text.append(kTextBytes - 16, 'x');
}

std::uint64_t stamp_of(std::string_view frame) {
  // In binary: the content's text, of kTextBytes.
  const std::string_view before = ChatClient::speaks_protobuf ? "\x5a\x66\x0a\x64" : R"("text":")";
  const auto at = frame.find(before);
  return at == std::string_view::npos ? 0 : parse_hex(frame.substr(at + before.size(), 16));
}

bool is_message(int type) { return type >= 0 && type <= 2; }

double seconds_since(std::uint64_t start) { return static_cast<double>(now_ns() - start) / 1e9; }

void expect_ack(std::string_view frame, Meter& meter) {
  // In binary the content stands behind type, message id (36), user id (18) and timestamp: of an ACK it is field 12.
  constexpr std::size_t kContent = 2 + 38 + 20 + 7;
  const bool is_refused = ChatClient::speaks_protobuf ? frame.size() <= kContent || frame[kContent] != '\x62'
                                                      : frame.find(R"("error":)") != std::string_view::npos;
  if (is_refused) ++meter.refused;
  else ++meter.acked;
}

double Latencies::percentile(double p) {
  if (values_.empty()) return 0;
  std::sort(values_.begin(), values_.end());
  return values_[std::min(values_.size() - 1, static_cast<std::size_t>(p / 100 * static_cast<double>(values_.size())))];
}

void run_window(PairClients& chat, std::size_t window, double seconds, Meter& meter, Latencies* latencies) {
  for (auto& client : chat.clients) {
    if (!chat.is_sender(client)) continue;
    while (client.in_flight < window) chat.send(client);
    client.flush();
  }
  const auto start = now_ns();
  while (seconds_since(start) < seconds)
    chat.poller.wait(100, [&](ChatClient& client) {
      const bool open = client.read([&](int type, std::string_view json) {
        if (type == 30) {
          expect_ack(json, meter);
          --client.in_flight;
          chat.send(client);
        } else if (is_message(type) && (++meter.delivered & 15) == 0 && latencies != nullptr) {
          latencies->add(now_ns() - stamp_of(json));
        }
      });
      if (!open) throw std::runtime_error("the server closed a connection");
      client.flush();
    });
}

void run_rate(PairClients& chat, double rate, double seconds, Latencies& latencies) {
  const auto start = now_ns();
  std::uint64_t sent = 0;
  std::size_t turn = 0;
  while (seconds_since(start) < seconds) {
    const auto due = static_cast<std::uint64_t>(seconds_since(start) * rate);
    for (; sent < due; ++sent) {
      auto& client = chat.clients[turn];
      turn = (turn + 2) % chat.clients.size();
      chat.send(client);
      client.flush();
    }
    chat.poller.wait(1, [&](ChatClient& client) {
      client.read([&](int type, std::string_view json) {
        if (type == 30) --client.in_flight;
        else if (is_message(type)) latencies.add(now_ns() - stamp_of(json));
      });
    });
  }
}

void settle(PairClients& chat) {
  const auto start = now_ns();
  const auto busy = [&] {
    return std::any_of(chat.clients.begin(), chat.clients.end(), [](const auto& c) { return c.in_flight > 0; });
  };
  while (busy() && seconds_since(start) < 10)
    chat.poller.wait(10, [](ChatClient& client) {
      client.read([&](int type, std::string_view) {
        if (type == 30) --client.in_flight;
      });
    });
}

}  // namespace simpleim::bench
