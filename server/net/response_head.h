#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http.h"

namespace simpleim::net {

/// "HTTP/1.1 404 Not Found" and its line break.
std::string status_line(int status);

/// What a head says beside the response itself.
struct ResponseContext {
  /// Sent with every answer that does not bring a header of the same name.
  const std::vector<std::pair<std::string, std::string>>& headers;
  /// The page that may read the answer; "": none but the server's own.
  std::string_view cors_origin;
  bool keep_alive = true;
  bool tls = false;
};

/// Status line, headers and the empty line behind them.
std::string response_head(const Response& response, const ResponseContext& context);

}  // namespace simpleim::net
