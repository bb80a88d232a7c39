#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace simpleim::base {

/// Where another service is: `scheme://user:password@host:port/path` (RFC 3986; user and password may be escaped).
struct ServiceUrl {
  std::string scheme;
  std::string user;
  std::string password;
  std::string host;
  /// 0: none is said.
  int port = 0;
  /// Without the first slash.
  std::string path;

  /// Nothing when the text is no such URL.
  static std::optional<ServiceUrl> parse(std::string_view text);
};

}  // namespace simpleim::base
