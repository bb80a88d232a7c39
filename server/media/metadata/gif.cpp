#include "media/metadata/formats.h"

namespace simpleim::media {
namespace {

constexpr std::int64_t kHeader = 13;
constexpr unsigned kImage = 0x2c;
constexpr unsigned kExtension = 0x21;
constexpr unsigned kTrailer = 0x3b;
constexpr unsigned kCommentLabel = 0xfe;
constexpr unsigned kApplicationLabel = 0xff;

/// Bytes of the colour table that such flags announce.
std::int64_t colours(std::uint64_t flags) { return (flags & 0x80) != 0 ? std::int64_t{3} << ((flags & 7) + 1) : 0; }

/// Behind the blocks that begin at `at`, each with its length before it, up to the empty one.
std::int64_t behind_blocks(MediaInput& in, std::int64_t at) {
  while (const auto length = static_cast<std::int64_t>(in.big_endian(at, 1))) at += length + 1;
  return at + 1;
}

/// Loops and profiles of colour.
bool is_played_by(std::string_view application) {
  return application == "NETSCAPE2.0" || application == "ANIMEXTS1.0" || application == "ICCRGBG1012";
}

}  // namespace

void gif_edits(MediaInput& in, EditList& edits) {
  if (!in.read(0, 6).starts_with("GIF8")) throw MalformedMedia("no GIF");
  auto at = kHeader + colours(in.big_endian(10, 1));
  while (at < in.size()) {
    const auto begin = at;
    switch (in.big_endian(at, 1)) {
      case kImage:
        // Place, size and flags; a colour table; the least size of a code.
        at += 10 + colours(in.big_endian(at + 9, 1)) + 1;
        at = behind_blocks(in, at);
        break;
      case kExtension: {
        const auto label = in.big_endian(at + 1, 1);
        constexpr std::size_t kName = 11;
        const bool is_application = label == kApplicationLabel && in.big_endian(at + 2, 1) == kName;
        const bool goes = label == kCommentLabel ||
                          (label == kApplicationLabel && !(is_application && is_played_by(in.read(at + 3, kName))));
        at = behind_blocks(in, at + 2);
        if (goes) edits.cut(begin, at - begin);
        break;
      }
      case kTrailer:
        edits.cut(at + 1, in.size() - at - 1);
        return;
      default:
        throw MalformedMedia("an unknown block in a GIF");
    }
  }
}

}  // namespace simpleim::media
