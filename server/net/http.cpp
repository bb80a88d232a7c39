#include "net/http.h"

#include <algorithm>

#include "base/utf8.h"

namespace simpleim::net {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Takes the part up to the next `separator` off the front of `rest`.
std::string_view take_part(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const auto part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

bool matches(std::string_view pattern, std::string_view path, std::map<std::string, std::string, std::less<>>& values) {
  values.clear();
  while (!pattern.empty() && !path.empty()) {
    const auto want = take_part(pattern, '/');
    const auto have = take_part(path, '/');
    if (want.starts_with(':')) {
      auto decoded = percent_decode(have, false);
      if (have.empty() || !decoded) return false;
      values.emplace(want.substr(1), std::move(*decoded));
    } else if (want != have) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

std::ptrdiff_t names_in(std::string_view pattern) { return std::count(pattern.begin(), pattern.end(), ':'); }

}  // namespace

std::string_view Request::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : found->second;
}

std::string_view Request::param(std::string_view name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string_view() : found->second;
}

void Router::add(std::string method, std::string pattern, Lane lane, Handler handler, Admit admit) {
  routes_.push_back({std::move(method), std::move(pattern), lane, std::move(handler), {}, std::move(admit)});
}

void Router::upload(std::string method, std::string pattern, UploadHandler handler) {
  routes_.push_back({std::move(method), std::move(pattern), Lane::kFiles, {}, std::move(handler)});
}

void Router::websocket(std::string path, UpgradeHandler handler) {
  upgrades_.emplace(std::move(path), std::move(handler));
}

/// The pattern with the fewest names in it is the path's: "/groups/my" is no group.
Router::Match Router::find(Request& request) const {
  Match match;
  std::string_view pattern;
  for (const auto& route : routes_) {
    if (route.pattern == pattern || !matches(route.pattern, request.path, request.path_values)) continue;
    if (pattern.empty() || names_in(route.pattern) < names_in(pattern)) pattern = route.pattern;
  }
  for (const auto& route : routes_) {
    if (pattern.empty() || route.pattern != pattern) continue;
    if (route.method == request.method || (route.method == "GET" && request.method == "HEAD")) {
      (void)matches(pattern, request.path, request.path_values);
      match.route = &route;
      match.allow.clear();
      return match;
    }
    match.allow += (match.allow.empty() ? "" : ", ") + route.method;
  }
  if (match.allow.empty() && fallback_.handler && (request.method == "GET" || request.method == "HEAD"))
    match.route = &fallback_;
  return match;
}

const UpgradeHandler* Router::find_upgrade(const Request& request) const {
  const auto found = upgrades_.find(request.path);
  return found == upgrades_.end() ? nullptr : &found->second;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  if (out.find('\0') != std::string::npos || !base::is_utf8(out)) return std::nullopt;
  return out;
}

bool parse_target(std::string_view target, Request& out) {
  if (target.empty() || target[0] != '/') return false;
  auto rest = target;
  out.path = take_part(rest, '?');
  if (out.path.find('#') != std::string::npos) return false;
  while (!rest.empty()) {
    auto pair = take_part(rest, '&');
    if (pair.empty()) continue;
    auto key = percent_decode(take_part(pair, '='), true);
    auto value = percent_decode(pair, true);
    if (!key || !value) return false;
    if (!out.query.emplace(std::move(*key), std::move(*value)).second) return false;
  }
  return true;
}

}  // namespace simpleim::net
