#include "net/header_value.h"

#include <algorithm>

namespace simpleim::net {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split_list(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (const auto item = trim(list.substr(0, end)); !item.empty()) items.push_back(item);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return items;
}

bool is_allowed_origin(const std::vector<std::string>& allowed, std::string_view origin) {
  return !origin.empty() && std::any_of(allowed.begin(), allowed.end(), [&](std::string_view entry) {
    while (entry.ends_with('/')) entry.remove_suffix(1);
    return lower(entry) == lower(origin);
  });
}

bool has_token(std::string_view list, std::string_view token) {
  const auto items = split_list(list);
  return std::any_of(items.begin(), items.end(), [&](std::string_view item) { return lower(item) == token; });
}

}  // namespace simpleim::net
