#include "base/visible_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace simpleim::base {
namespace {

/// Calls `visit` with each code point until it returns true; whether it did.
template <class Visit>
bool any_code_point(std::string_view text, Visit visit) {
  while (!text.empty()) {
    utf8proc_int32_t c = 0;
    const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &c);
    if (size <= 0) return false;
    if (visit(c)) return true;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return false;
}

/// Letters by their category, and yet nothing to see: fillers of Hangul, a Braille cell without dots.
constexpr utf8proc_int32_t kBlankLetters[] = {0x115f, 0x1160, 0x2800, 0x3164, 0xffa0};

/// What these tables do not know is taken for seen: the next Unicode brings new emoji.
bool is_seen(utf8proc_int32_t c) {
  const auto* property = utf8proc_get_property(c);
  switch (property->category) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
      return false;
    default:
      return property->ignorable == 0 &&
             std::find(std::begin(kBlankLetters), std::end(kBlankLetters), c) == std::end(kBlankLetters);
  }
}

}  // namespace

bool is_visible(std::string_view text) {
  constexpr unsigned char kFirst = 0x21;
  constexpr unsigned char kLast = 0x7e;
  // Nearly every text has a letter of ASCII, and each message is looked at.
  for (const char c : text)
    if (const auto byte = static_cast<unsigned char>(c); byte >= kFirst && byte <= kLast) return true;
  return any_code_point(text, is_seen);
}

bool has_bidi_override(std::string_view text) {
  return any_code_point(
      text, [](utf8proc_int32_t c) { return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069); });
}

std::string normalized(std::string_view text) {
  utf8proc_uint8_t* made = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &made, static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(made, std::free);
  return size < 0 ? std::string(text)
                  : std::string(reinterpret_cast<const char*>(made), static_cast<std::size_t>(size));
}

}  // namespace simpleim::base
