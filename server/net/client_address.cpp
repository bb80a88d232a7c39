#include "net/client_address.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace simpleim::net {
namespace {

constexpr std::size_t kMappedBits = 96;

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

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
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

bool TrustedProxies::contains(std::string_view address) const {
  const auto bytes = bytes_of(address);
  return bytes && std::any_of(networks_.begin(), networks_.end(),
                              [&](const Network& network) { return same_bits(*bytes, network.bytes, network.bits); });
}

std::string TrustedProxies::client(const std::string& peer, std::string_view forwarded_for) const {
  if (networks_.empty() || !contains(peer)) return peer;
  std::string client = peer;
  while (!forwarded_for.empty()) {
    const auto comma = forwarded_for.rfind(',');
    const auto last = trimmed(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1));
    if (!bytes_of(last)) return client;
    client = last;
    if (!contains(last) || comma == std::string_view::npos) return client;
    forwarded_for = forwarded_for.substr(0, comma);
  }
  return client;
}

}  // namespace simpleim::net
