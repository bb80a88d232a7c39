#include "base/service_url.h"

#include <algorithm>
#include <boost/url/src.hpp>  // the library, in this unit: Debian has no compiled one

namespace simpleim::base {
namespace {

/// The library takes ":word" for a port without digits.
bool names_a_host(const boost::urls::url_view& url) {
  return !url.host().empty() && (!url.has_port() || url.port_number() != 0);
}

}  // namespace

std::optional<ServiceUrl> ServiceUrl::parse(std::string_view text) {
  // Its hosts, which are taken out: the library knows one a URL.
  const auto start = text.find("://");
  if (start == text.npos) return std::nullopt;
  const auto authority = start + 3;
  const auto end = std::min(text.find('/', authority), text.size());
  const auto at = text.substr(0, end).rfind('@');
  const auto first = at == text.npos || at < authority ? authority : at + 1;
  const auto comma = std::min(text.find(',', first), end);
  const auto single = std::string(text.substr(0, comma)) + std::string(text.substr(end));
  const auto parsed = boost::urls::parse_uri(single);
  if (!parsed || !names_a_host(*parsed)) return std::nullopt;
  ServiceUrl url;
  url.scheme = parsed->scheme();
  url.user = parsed->user();
  url.password = parsed->password();
  url.hosts.push_back({parsed->host_address(), parsed->port_number()});
  for (auto from = comma; from < end;) {
    const auto next = std::min(text.find(',', from + 1), end);
    const auto name = "host://" + std::string(text.substr(from + 1, next - from - 1));
    const auto other = boost::urls::parse_uri(name);
    if (!other || !names_a_host(*other) || other->has_userinfo()) return std::nullopt;
    url.hosts.push_back({other->host_address(), other->port_number()});
    from = next;
  }
  const std::string path = parsed->path();
  url.path = path.empty() ? "" : path.substr(1);
  return url;
}

}  // namespace simpleim::base
