#include "service/files/file_names.h"

#include <algorithm>

#include "base/utf8.h"
#include "base/visible_text.h"

namespace simpleim::service {
namespace {

constexpr std::size_t kMaxBytes = 255;
constexpr std::size_t kMaxExtension = 20;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// U+200B, U+2028–2029, U+2060–206F, U+FEFF: there is nothing to see of them, and they do nothing for what is seen.
/// Joiners (U+200C, U+200D) hold emoji and Persian words together and stay.
bool is_useless(std::string_view character) {
  if (character.size() != 3) return false;
  const auto third = static_cast<unsigned char>(character[2]);
  if (character.starts_with("\xe2\x80")) return third == 0x8b || third == 0xa8 || third == 0xa9;
  if (character.starts_with("\xe2\x81")) return third >= 0xa0 && third <= 0xaf;
  return character == "\xef\xbb\xbf";
}

bool is_c1_control(std::string_view character) {
  return character.size() == 2 && static_cast<unsigned char>(character[0]) == 0xc2 &&
         static_cast<unsigned char>(character[1]) < 0xa0;
}

/// At most `bytes` bytes of `text`, no character cut in half.
std::string_view cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && is_continuation(text[bytes])) --bytes;
  return text.substr(0, bytes);
}

}  // namespace

std::string safe_file_name(std::string_view name) {
  if (const auto slash = name.find_last_of("/\\"); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  if (!base::is_utf8(name)) name = {};
  std::string clean;
  for (std::size_t i = 0; i < name.size();) {
    std::size_t end = i + 1;
    while (end < name.size() && is_continuation(name[end])) ++end;
    const auto character = name.substr(i, end - i);
    i = end;
    const auto byte = static_cast<unsigned char>(character[0]);
    if (byte < 0x20 || byte == 0x7f || is_c1_control(character) || is_useless(character)) continue;
    clean += character;
  }
  // Windows drops dots and blanks at the end; a dot in front hides a file where such are hidden, and is part of its
  // name.
  const auto first = clean.find_first_not_of(' ');
  const auto last = clean.find_last_not_of(" .");
  if (last == std::string::npos || !base::is_visible(clean)) return "file";
  clean = clean.substr(first, last - first + 1);
  if (clean.size() <= kMaxBytes) return clean;
  const auto dot = clean.rfind('.');
  const auto extension = dot != std::string::npos && clean.size() - dot <= kMaxExtension ? clean.substr(dot) : "";
  return std::string(cut(clean, kMaxBytes - extension.size())) + extension;
}

std::string renamed(std::string_view name, std::string_view extension) {
  const auto dot = name.rfind('.');
  const bool has_extension = dot != std::string_view::npos && dot > 0 && name.size() - dot <= kMaxExtension;
  const auto stem = has_extension ? name.substr(0, dot) : name;
  return std::string(cut(stem, kMaxBytes - extension.size())) + std::string(extension);
}

}  // namespace simpleim::service
