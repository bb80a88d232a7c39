#include "base/emoji.h"

#include <utf8proc.h>

#include <vector>

namespace simpleim::base {
namespace {

constexpr utf8proc_int32_t kJoiner = 0x200d;
constexpr utf8proc_int32_t kEmojiStyle = 0xfe0f;
constexpr utf8proc_int32_t kTextStyle = 0xfe0e;
constexpr utf8proc_int32_t kKeycap = 0x20e3;

bool is_pictograph(utf8proc_int32_t c) {
  return c > 0xff && utf8proc_get_property(c)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}
bool is_flag_letter(utf8proc_int32_t c) { return c >= 0x1f1e6 && c <= 0x1f1ff; }
bool is_modifier(utf8proc_int32_t c) { return c >= 0x1f3fb && c <= 0x1f3ff; }
bool is_tag(utf8proc_int32_t c) { return c >= 0xe0020 && c <= 0xe007f; }
bool is_key(utf8proc_int32_t c) { return (c >= '0' && c <= '9') || c == '#' || c == '*'; }
/// Signs of the Basic Multilingual Plane are letters to many fonts.
bool may_be_letter(utf8proc_int32_t c) { return c < 0x10000; }

/// Without styles; nothing when it is no text.
std::vector<utf8proc_int32_t> plain(std::string_view text) {
  std::vector<utf8proc_int32_t> out;
  while (!text.empty()) {
    utf8proc_int32_t c = 0;
    const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &c);
    if (size <= 0) return {};
    if (c != kEmojiStyle && c != kTextStyle) out.push_back(c);
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return out;
}

void append(std::string& out, utf8proc_int32_t c) {
  utf8proc_uint8_t bytes[4];
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(utf8proc_encode_char(c, bytes)));
}

}  // namespace

std::optional<std::string> canonical_emoji(std::string_view text) {
  const auto characters = plain(text);
  std::string out;
  bool shows = false;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    const auto c = characters[i];
    const auto next = i + 1 < characters.size() ? characters[i + 1] : 0;
    const bool is_keycap = is_key(c) && next == kKeycap;
    if (!is_pictograph(c) && !is_flag_letter(c) && !is_modifier(c) && !is_tag(c) && !is_keycap && c != kJoiner &&
        c != kKeycap)
      return std::nullopt;
    shows = shows || is_pictograph(c) || is_flag_letter(c) || is_keycap;
    append(out, c);
    if (is_keycap || (is_pictograph(c) && may_be_letter(c) && !is_modifier(next))) append(out, kEmojiStyle);
  }
  if (!shows) return std::nullopt;
  return out;
}

}  // namespace simpleim::base
