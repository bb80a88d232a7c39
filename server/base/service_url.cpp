#include "base/service_url.h"

#include <boost/url/src.hpp>  // the library, in this unit: Debian has no compiled one

namespace simpleim::base {

std::optional<ServiceUrl> ServiceUrl::parse(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || parsed->host().empty()) return std::nullopt;
  ServiceUrl url;
  url.scheme = parsed->scheme();
  url.user = parsed->user();
  url.password = parsed->password();
  url.host = parsed->host_address();
  url.port = parsed->port_number();
  const std::string path = parsed->path();
  url.path = path.empty() ? "" : path.substr(1);
  return url;
}

}  // namespace simpleim::base
