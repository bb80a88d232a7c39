#include "base/utf8.h"

#include <simdjson.h>

namespace simpleim::base {

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

bool Utf8Validator::feed(std::string_view piece) {
  for (const char c : piece) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (pending_ > 0) {
      if (byte < low_ || byte > high_) return false;
      low_ = 0x80;
      high_ = 0xbf;
      --pending_;
    } else if (byte >= 0x80) {
      if (byte >= 0xc2 && byte <= 0xdf) {
        pending_ = 1;
      } else if (byte >= 0xe0 && byte <= 0xef) {
        pending_ = 2;
        if (byte == 0xe0) low_ = 0xa0;
        if (byte == 0xed) high_ = 0x9f;
      } else if (byte >= 0xf0 && byte <= 0xf4) {
        pending_ = 3;
        if (byte == 0xf0) low_ = 0x90;
        if (byte == 0xf4) high_ = 0x8f;
      } else {
        return false;
      }
    }
  }
  return true;
}

}  // namespace simpleim::base
