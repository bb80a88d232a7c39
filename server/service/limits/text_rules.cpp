#include "service/limits/text_rules.h"

#include <algorithm>

#include "base/utf8.h"
#include "base/visible_text.h"

namespace simpleim::service {
namespace {

bool is_username_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

}  // namespace

std::optional<protocol::Error> check_username(std::string_view text) {
  if (text.size() < 3 || text.size() > 32 || !std::all_of(text.begin(), text.end(), is_username_char))
    return protocol::invalid_field("username", "3 to 32 characters of A-Z a-z 0-9 _ . - are needed");
  return std::nullopt;
}

std::optional<protocol::Error> check_text(std::string_view field, std::string_view text, std::size_t least,
                                          std::size_t most, bool lines) {
  const auto length = base::code_points(text);
  if (length < least || length > most)
    return protocol::invalid_field(std::string(field),
                                   std::to_string(least) + " to " + std::to_string(most) + " characters are needed");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 || byte == 0x7f) && !(lines && (c == '\n' || c == '\t')))
      return protocol::invalid_field(std::string(field), "control characters are not allowed");
  }
  if (least > 0 && !base::is_visible(text))
    return protocol::invalid_field(std::string(field), "must have something to see");
  return std::nullopt;
}

std::optional<protocol::Error> check_name(std::string_view field, std::string_view text, std::size_t least,
                                          std::size_t most) {
  if (auto error = check_text(field, text, least, most)) return error;
  if (base::has_bidi_override(text))
    return protocol::invalid_field(std::string(field), "characters that turn text around (U+202A) are not allowed");
  if (!text.empty() && !base::is_visible(text))
    return protocol::invalid_field(std::string(field), "must have something to see");
  return std::nullopt;
}

bool is_reserved(std::string_view username, std::string_view reserved) {
  const auto plain = [](std::string_view text) {
    std::string out;
    for (const char c : text)
      if (c != '.' && c != '_' && c != '-' && c != ' ')
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
  };
  const auto wanted = plain(username);
  while (!reserved.empty()) {
    const auto end = std::min(reserved.find(','), reserved.size());
    if (plain(reserved.substr(0, end)) == wanted) return true;
    reserved.remove_prefix(std::min(end + 1, reserved.size()));
  }
  return false;
}

}  // namespace simpleim::service
