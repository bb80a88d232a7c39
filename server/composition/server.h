#pragma once

#include <memory>

#include "base/config.h"

namespace simpleim {

/// The whole server, composed from its parts.
class Server {
 public:
  /// Opens the store and the listening sockets; throws with a text for people.
  explicit Server(const base::Config& config);
  ~Server();

  void start();
  /// Certificates and log level again (SIGHUP); `fresh` is the configuration as it is now.
  void reload(const base::Config& fresh);
  /// SIGTERM: nothing new, everybody asked to leave, all accepted work done; returns when it is.
  void drain();

  unsigned short port() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace simpleim
