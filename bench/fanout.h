#pragma once

#include <string>
#include <vector>

#include "chat_client.h"
#include "pair_clients.h"
#include "scenarios.h"

namespace simpleim::bench {

/// One group whose members are connected to these ports in turn, the first `options.senders` of them sending; with
/// `one_sends` all senders are at the first port.
class Fanout {
 public:
  Fanout(const Options& options, const std::vector<unsigned short>& ports, const std::string& prefix,
         bool one_sends = false);

  /// Keeps `options.fanout_window` messages of every sender in flight.
  void run(double seconds);

  Meter meter;
  Latencies latencies;

 private:
  void send(ChatClient& client);

  const Options& options_;
  std::vector<ChatClient> clients_;
  Poller poller_;
  std::string group_;
  std::string text_;
};

}  // namespace simpleim::bench
