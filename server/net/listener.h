#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/http_connection.h"
#include "net/tls.h"

namespace simpleim::net {

/// Accepts connections on one address, on each of several I/O threads (SO_REUSEPORT).
class Listener {
 public:
  /// `tls` may be null. Throws std::runtime_error when the address cannot be used.
  Listener(const std::vector<IoThread*>& threads, const std::string& address, const HttpContext& context,
           const TlsContext* tls);
  ~Listener();

  void start();
  /// Accepts nothing more. Thread-safe.
  void stop();
  /// The port in use (an address with port 0 gets a free one).
  unsigned short port() const { return port_; }

 private:
  class Acceptor;
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
  unsigned short port_ = 0;
};

/// Splits "host:port"; the host may stand in brackets. Throws std::runtime_error.
asio::ip::tcp::endpoint parse_endpoint(const std::string& address);

}  // namespace simpleim::net
