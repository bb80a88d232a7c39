#pragma once

#include <functional>
#include <string>
#include <vector>

#include "chat_client.h"
#include "poller.h"

namespace simpleim::bench {

/// A text of 100 bytes that begins with the time it was made at.
void stamp_text(std::string& text);
/// The time in such a text, from a frame that carries it; 0: none.
std::uint64_t stamp_of(std::string_view frame);
bool is_message(int type);
double seconds_since(std::uint64_t start_ns);

/// What a measured stretch saw.
struct Meter {
  std::uint64_t acked = 0;
  std::uint64_t delivered = 0;
  std::uint64_t refused = 0;
};
void expect_ack(std::string_view frame, Meter& meter);

/// Pairs of users, the first of each sending to the second.
struct PairClients {
  /// `receivers`: the port that the second of each is connected to; 0: the same.
  PairClients(unsigned short port, std::size_t pairs, const std::string& prefix, unsigned short receivers = 0)
      : accounts(make_accounts(port, pairs * 2, prefix)), clients(pairs * 2) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      clients[i].index = i;
      clients[i].open(receivers != 0 && i % 2 == 1 ? receivers : port, accounts[i]);
      poller.add(clients[i]);
    }
  }

  void send(ChatClient& from) {
    make_text(text);
    from.queue_text(false, accounts[to_one ? 1 : from.index + 1].user_id, text);
    ++from.in_flight;
  }
  bool is_sender(const ChatClient& client) const { return client.index % 2 == 0; }

  std::vector<Account> accounts;
  std::vector<ChatClient> clients;
  Poller poller;
  std::string text;
  std::function<void(std::string&)> make_text = stamp_text;
  /// All write to the second user.
  bool to_one = false;
};

/// Keeps `window` messages of every pair in flight for `seconds`.
void run_window(PairClients& chat, std::size_t window, double seconds, Meter& meter, Latencies* latencies);
/// Sends `rate` messages a second, whatever comes back.
void run_rate(PairClients& chat, double rate, double seconds, Latencies& latencies);
/// Waits until nothing is in flight any more.
void settle(PairClients& chat);

}  // namespace simpleim::bench
