#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace simpleim::net {

/// Proxies whose word about the client is believed: addresses, and networks in CIDR form (RFC 4632).
class TrustedProxies {
 public:
  TrustedProxies() = default;
  /// Throws std::runtime_error that names the entry that is neither.
  explicit TrustedProxies(const std::vector<std::string>& entries);

  /// Who the client is: `peer` itself unless it is trusted; else the last address of X-Forwarded-For that no trusted
  /// proxy has. What stands before that anybody may have written.
  std::string client(const std::string& peer, std::string_view forwarded_for) const;

 private:
  struct Network {
    /// As IPv6, IPv4 mapped (RFC 4291 section 2.5.5.2).
    std::string bytes;
    std::size_t bits = 0;
  };
  bool contains(std::string_view address) const;

  std::vector<Network> networks_;
};

}  // namespace simpleim::net
