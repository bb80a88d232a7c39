#include "net/response_head.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>

namespace simpleim::net {
namespace {

/// What pages of allowed origins may read beside the few headers that all may (Fetch standard).
constexpr std::string_view kAllowOrigin = "Access-Control-Allow-Origin";
constexpr std::string_view kExposed =
    "Access-Control-Expose-Headers: Location, Retry-After, ETag, Accept-Ranges, Content-Range, Content-Disposition, "
    "Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Upload-Offset, Upload-Length\r\n";

namespace http = boost::beast::http;

/// Where Beast has none, or an older one than RFC 9110.
const char* reason_of(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 408:
      return "Request Timeout";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 507:
      return "Insufficient Storage";
    default:
      return nullptr;
  }
}

}  // namespace

std::string status_line(int status) {
  const auto* reason = reason_of(status);
  const auto text =
      reason != nullptr ? std::string(reason) : std::string(http::obsolete_reason(static_cast<http::status>(status)));
  return "HTTP/1.1 " + std::to_string(status) + " " + text + "\r\n";
}

std::string response_head(const Response& response, const ResponseContext& context) {
  std::string text = status_line(response.status);
  if (response.source || !response.body.empty() || (response.status != 204 && response.status != 304)) {
    text += "Content-Type: " + response.content_type + "\r\n";
    text += "Content-Length: " +
            std::to_string(response.source ? response.source_bytes : std::uint64_t{response.body.size()}) + "\r\n";
  }
  const auto& own = response.headers;
  const auto has = [&](std::string_view wanted) {
    return std::any_of(own.begin(), own.end(), [&](const auto& header) { return header.first == wanted; });
  };
  for (const auto& [name, value] : context.headers)
    if (!has(name)) text += name + ": " + value + "\r\n";
  for (const auto& [name, value] : own) text += name + ": " + value + "\r\n";
  if (!context.cors_origin.empty() && !has(kAllowOrigin))
    text += std::string(kAllowOrigin) + ": " + std::string(context.cors_origin) + "\r\nVary: Origin\r\n" +
            std::string(kExposed);
  if (context.tls) text += "Strict-Transport-Security: max-age=63072000\r\n";
  text += context.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return text;
}

}  // namespace simpleim::net
