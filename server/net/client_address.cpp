#include "net/client_address.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <optional>
#include <stdexcept>

#include "net/header_value.h"

namespace simpleim::net {
namespace {

constexpr std::size_t kMappedBits = 96;
constexpr std::size_t kAllBits = 128;
/// A name (RFC 1035) and a port.
constexpr std::size_t kMaxHost = 260;

/// 16 bytes; nothing for what is no address.
std::optional<std::string> bytes_of(std::string_view text) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  const auto v6 =
      address.is_v6() ? address.to_v6() : boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, address.to_v4());
  const auto raw = v6.to_bytes();
  return std::string(raw.begin(), raw.end());
}

bool same_bits(std::string_view a, std::string_view b, std::size_t bits) {
  const auto whole = bits / 8;
  if (a.substr(0, whole) != b.substr(0, whole)) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - bits % 8));
  return ((static_cast<unsigned char>(a[whole]) ^ static_cast<unsigned char>(b[whole])) & mask) == 0;
}

/// The address in a hop of a forwarding header: bare, with a port, or in brackets; nothing for "unknown" and the like.
std::string address_in(std::string_view hop) {
  if (hop.starts_with('[')) hop = hop.substr(1, hop.find(']') - 1);
  else if (std::count(hop.begin(), hop.end(), ':') == 1) hop = hop.substr(0, hop.find(':'));
  return bytes_of(hop) ? std::string(hop) : "";
}

std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

/// A parameter of an element of Forwarded.
std::string_view parameter(std::string_view element, std::string_view name) {
  while (!element.empty()) {
    const auto end = std::min(element.find(';'), element.size());
    const auto pair = trim(element.substr(0, end));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && lower(pair.substr(0, equals)) == name)
      return unquoted(pair.substr(equals + 1));
    element.remove_prefix(std::min(end + 1, element.size()));
  }
  return {};
}

/// The item of a list that belongs to the hop `from_right` places from its end; the last when there are fewer.
std::string_view item_of(std::string_view list, std::size_t from_right) {
  const auto items = split_list(list);
  return items.empty() ? std::string_view() : items[items.size() - 1 - std::min(from_right, items.size() - 1)];
}

}  // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& entries) {
  for (const std::string_view entry : entries) {
    const auto slash = entry.find('/');
    const auto address = bytes_of(entry.substr(0, slash));
    const bool is_v4 = entry.find(':') == std::string_view::npos;
    std::size_t bits = is_v4 ? 32 : 128;
    bool good = address.has_value();
    if (good && slash != std::string_view::npos) {
      const auto size = entry.substr(slash + 1);
      std::size_t given = 0;
      const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), given);
      good = error == std::errc() && end == size.data() + size.size() && given <= bits;
      bits = given;
    }
    if (!good)
      throw std::runtime_error("server.trusted_proxies: \"" + std::string(entry) +
                               "\" is neither an address nor a network like 10.0.0.0/8");
    networks_.push_back({*address, bits + (is_v4 ? kMappedBits : 0)});
  }
}

bool TrustedProxies::contains(std::string_view address, std::size_t least_bits) const {
  const auto bytes = bytes_of(address);
  return bytes && std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
           return network.bits >= least_bits && same_bits(*bytes, network.bytes, network.bits);
         });
}

std::size_t TrustedProxies::believed(const std::vector<std::string>& hops) const {
  std::size_t count = 0;
  while (count < hops.size()) {
    const auto& hop = hops[hops.size() - 1 - count];
    if (hop.empty()) break;
    ++count;
    if (!contains(hop, kAllBits)) break;
  }
  return count;
}

Arrival TrustedProxies::arrival(const std::string& peer, bool tls, const Request& request) const {
  Arrival arrival{peer, std::string(request.header("host")), tls};
  if (networks_.empty() || !contains(peer, 0)) return arrival;
  std::vector<std::string> hops;
  const auto addresses = request.header("x-forwarded-for");
  const auto elements = addresses.empty() ? split_list(request.header("forwarded")) : std::vector<std::string_view>();
  for (const auto address : split_list(addresses)) hops.push_back(address_in(address));
  for (const auto element : elements) hops.push_back(address_in(parameter(element, "for")));
  const auto count = believed(hops);
  if (count > 0) arrival.client = hops[hops.size() - count];
  const auto from_right = count > 0 ? count - 1 : 0;
  auto scheme = item_of(request.header("x-forwarded-proto"), from_right);
  auto host = item_of(request.header("x-forwarded-host"), from_right);
  if (!elements.empty()) {
    const auto element = elements[elements.size() - 1 - std::min(from_right, elements.size() - 1)];
    if (scheme.empty()) scheme = parameter(element, "proto");
    if (host.empty()) host = parameter(element, "host");
  }
  if (!scheme.empty()) arrival.https = lower(scheme) == "https" || lower(scheme) == "wss";
  if (!host.empty() && host.size() <= kMaxHost) arrival.host = host;
  return arrival;
}

std::string client_key(std::string_view address) {
  const auto bytes = bytes_of(address);
  if (!bytes) return std::string(address);
  const std::string_view raw(*bytes);
  const bool is_v4 = raw.substr(0, 12) == std::string_view("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  return std::string(is_v4 ? raw.substr(12) : raw.substr(0, 8));
}

std::string plain_host(std::string_view host, bool https) {
  const std::string_view port = https ? ":443" : ":80";
  if (host.ends_with(port)) host.remove_suffix(port.size());
  return lower(host);
}

}  // namespace simpleim::net
