#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace simpleim::base {

/// True when `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
bool is_utf8(std::string_view text);

/// Code points in well-formed UTF-8.
std::size_t code_points(std::string_view text);

/// Checks UTF-8 that arrives in pieces and says at the first wrong byte that it is wrong
/// (RFC 6455 section 8.1 wants the connection failed at once).
class Utf8Validator {
 public:
  /// False as soon as no continuation could make the text well-formed.
  bool feed(std::string_view piece);
  /// True when the text does not end inside a character.
  bool complete() const { return pending_ == 0; }
  void reset() { *this = {}; }

 private:
  std::uint8_t pending_ = 0;
  std::uint8_t low_ = 0x80;
  std::uint8_t high_ = 0xbf;
};

}  // namespace simpleim::base
