#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace simpleim::base {

struct Address {
  std::string host;
  /// 0: none is said.
  int port = 0;

  std::string text() const { return host + ":" + std::to_string(port); }
};

/// Where another service is: `scheme://user:password@host:port,host:port/path` (RFC 3986, but for several hosts; user
/// and password may be escaped).
struct ServiceUrl {
  std::string scheme;
  std::string user;
  std::string password;
  /// At least one.
  std::vector<Address> hosts;
  /// Without the first slash.
  std::string path;

  /// Nothing when the text is no such URL.
  static std::optional<ServiceUrl> parse(std::string_view text);
};

}  // namespace simpleim::base
