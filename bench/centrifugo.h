#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "chat_client.h"
#include "pair_clients.h"

namespace simpleim::bench {

/// Centrifugo with its memory engine, which stores nothing: whoever is connected may subscribe and publish.
class CentrifugoProcess {
 public:
  /// Files of its own in `data_root`. Throws when it does not answer within ten seconds.
  CentrifugoProcess(const std::string& binary, const std::string& data_root);
  ~CentrifugoProcess();
  CentrifugoProcess(const CentrifugoProcess&) = delete;
  CentrifugoProcess& operator=(const CentrifugoProcess&) = delete;

  unsigned short port() const { return port_; }
  /// User and system time so far, seconds.
  double cpu_seconds() const;

 private:
  std::string dir_;
  unsigned short port_ = 0;
  pid_t pid_ = -1;
};

/// Clients of its JSON protocol: client i listens to channel listens_to[i], and the senders publish to channel
/// publishes_to[i] ("": it does not send).
class CentrifugoClients {
 public:
  CentrifugoClients(unsigned short port, const std::vector<std::string>& listens_to,
                    std::vector<std::string> publishes_to);

  /// Keeps `window` publications of every sender in flight.
  void run(std::size_t window, double seconds);

  Meter meter;
  Latencies latencies;

 private:
  void publish(ChatClient& client);
  /// One command, reply or push; a frame carries several, each on its line.
  void receive_one(ChatClient& client, std::string_view json);

  std::vector<ChatClient> clients_;
  std::vector<std::string> publishes_to_;
  Poller poller_;
  std::string text_;
  std::size_t ready_ = 0;
};

}  // namespace simpleim::bench
