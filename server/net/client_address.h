#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace simpleim::net {

/// How a request came: whose it is, and by which name and scheme he reached the server.
struct Arrival {
  std::string client;
  /// Host and port as the client wrote them.
  std::string host;
  bool https = false;
};

/// Proxies whose word about the client is believed: addresses, and networks in CIDR form (RFC 4632).
class TrustedProxies {
 public:
  TrustedProxies() = default;
  /// Throws std::runtime_error that names the entry that is neither.
  explicit TrustedProxies(const std::vector<std::string>& entries);

  bool is_trusted(std::string_view peer) const { return !networks_.empty() && contains(peer, 0); }
  /// `peer` is who holds the connection. When he is trusted, the right-most address that he names is the client: in
  /// X-Forwarded-For, or, when there is none, in Forwarded (RFC 7239). Behind that one only those are looked for who
  /// are proxies without doubt, because they are listed by their own address: a trusted network may be the clients',
  /// too, and what stands further left a client may have written. The same for X-Forwarded-Proto and -Host.
  Arrival arrival(const std::string& peer, bool tls, const Request& request) const;

 private:
  struct Network {
    /// As IPv6, IPv4 mapped (RFC 4291 section 2.5.5.2).
    std::string bytes;
    std::size_t bits = 0;
  };
  bool contains(std::string_view address, std::size_t least_bits) const;
  /// How many of the hops, from the right, are to be believed; the client is the last of them.
  std::size_t believed(const std::vector<std::string>& hops) const;

  std::vector<Network> networks_;
};

/// What limits count as one client: an IPv4 address, or the /64 that an IPv6 address lies in (a household or a host has
/// at least one, RFC 6177). `address` itself when it is none.
std::string client_key(std::string_view address);

/// "host" or "host:port" without the port that `https` has anyway (RFC 6454 section 4), in lower case.
std::string plain_host(std::string_view host, bool https);

}  // namespace simpleim::net
