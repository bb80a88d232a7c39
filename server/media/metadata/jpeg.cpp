#include "media/metadata/formats.h"

namespace simpleim::media {
namespace {

using namespace std::string_literals;

constexpr unsigned kStart = 0xd8;
constexpr unsigned kEnd = 0xd9;
constexpr unsigned kScan = 0xda;
constexpr unsigned kComment = 0xfe;
constexpr unsigned kApp0 = 0xe0;
constexpr unsigned kApp1 = 0xe1;
constexpr unsigned kApp2 = 0xe2;
constexpr unsigned kApp14 = 0xee;
constexpr unsigned kApp15 = 0xef;

bool stands_alone(unsigned marker) { return marker == 0x01 || (marker >= 0xd0 && marker <= kEnd); }

/// What a viewer needs: density, profile of colour, Adobe's transform of colours.
bool is_needed(unsigned marker, std::string_view data) {
  if (marker == kApp0) return data.starts_with("JFIF\0"s);
  if (marker == kApp2) return data.starts_with("ICC_PROFILE\0"s);
  if (marker == kApp14) return data.starts_with("Adobe");
  return marker != kComment && !(marker >= kApp1 && marker <= kApp15);
}

/// Behind coded data: the next marker that is neither a stuffed byte (FF 00) nor a restart.
std::int64_t next_marker(MediaInput& in, std::int64_t at) {
  constexpr std::int64_t kPiece = 32 << 10;
  while (at < in.size()) {
    const auto piece = in.read(at, static_cast<std::size_t>(std::min(kPiece, in.size() - at)));
    for (auto found = piece.find('\xff'); found != std::string_view::npos; found = piece.find('\xff', found + 1)) {
      if (found + 1 == piece.size()) break;
      const auto next = static_cast<unsigned char>(piece[found + 1]);
      if (next != 0 && next != 0xff && !(next >= 0xd0 && next <= 0xd7)) return at + static_cast<std::int64_t>(found);
    }
    const auto size = static_cast<std::int64_t>(piece.size());
    // A marker may stand across two pieces.
    at += size > 1 && at + size < in.size() ? size - 1 : size;
  }
  return in.size();
}

}  // namespace

void jpeg_edits(MediaInput& in, int orientation, EditList& edits) {
  if (in.big_endian(0, 2) != (0xff00 | kStart)) throw MalformedMedia("no JPEG");
  std::int64_t at = 2;
  if (orientation > 1)
    edits.replace(at, 0,
                  "\xff\xe1\0\x22"
                  "Exif\0\0"s +
                      exif_of(orientation));
  while (at + 1 < in.size()) {
    if (in.big_endian(at, 1) != 0xff) throw MalformedMedia("a segment does not begin with a marker");
    const auto marker = static_cast<unsigned>(in.big_endian(at + 1, 1));
    if (marker == 0xff) {  // fill
      ++at;
      continue;
    }
    if (marker == kEnd) {
      // Other pictures, films and notes of cameras stand behind the end.
      edits.cut(at + 2, in.size() - at - 2);
      return;
    }
    if (stands_alone(marker)) {
      at += 2;
      continue;
    }
    const auto length = static_cast<std::int64_t>(in.big_endian(at + 2, 2)) + 2;
    if (length < 4) throw MalformedMedia("a segment is too short");
    const auto head = in.read(at + 4, static_cast<std::size_t>(std::min<std::int64_t>(length - 4, 16)));
    if (!is_needed(marker, head)) edits.cut(at, std::min(length, in.size() - at));
    at += length;
    if (marker == kScan) at = next_marker(in, at);
  }
}

}  // namespace simpleim::media
