#include "base/json_numbers.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace simpleim::base {
namespace {

constexpr std::string_view kDecimals = "0123456789";

/// Takes digits off the front; whether there were any.
bool take_digits(std::string_view& rest) {
  const auto end = std::min(rest.find_first_not_of(kDecimals), rest.size());
  rest.remove_prefix(end);
  return end > 0;
}

bool take_one_of(std::string_view& rest, std::string_view characters) {
  const bool found = !rest.empty() && characters.find(rest.front()) != std::string_view::npos;
  if (found) rest.remove_prefix(1);
  return found;
}

/// RFC 8259 section 6.
bool is_number(std::string_view text, bool& is_whole) {
  is_whole = true;
  (void)take_one_of(text, "-");
  if (text.starts_with('0') ? (text.remove_prefix(1), false) : !take_digits(text)) return false;
  if (take_one_of(text, ".")) {
    is_whole = false;
    if (!take_digits(text)) return false;
  }
  if (take_one_of(text, "eE")) {
    is_whole = false;
    (void)take_one_of(text, "+-");
    if (!take_digits(text)) return false;
  }
  return text.empty();
}

template <class Number>
bool fits(std::string_view text) {
  Number number{};
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
}

bool is_huge(std::string_view token) {
  bool is_whole = false;
  if (!is_number(token, is_whole)) return false;
  if (is_whole) return !fits<std::int64_t>(token) && !fits<std::uint64_t>(token);
  return !fits<double>(token);
}

}  // namespace

std::string without_huge_numbers(std::string_view json) {
  std::string out(json);
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"') {
      for (++i; i < json.size() && json[i] != '"'; ++i)
        if (json[i] == '\\') ++i;
    } else if (json[i] == '-' || kDecimals.find(json[i]) != std::string_view::npos) {
      const auto end = std::min(json.find_first_not_of("0123456789+-.eE", i), json.size());
      if (is_huge(json.substr(i, end - i))) out.replace(i, end - i, "{}" + std::string(end - i - 2, ' '));
      i = end - 1;
    }
  }
  return out;
}

}  // namespace simpleim::base
