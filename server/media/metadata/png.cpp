#include <algorithm>
#include <array>
#include <boost/crc.hpp>

#include "media/metadata/formats.h"

namespace simpleim::media {
namespace {

using namespace std::string_literals;

constexpr std::int64_t kSignature = 8;
/// Length, type and CRC of a chunk.
constexpr std::int64_t kAround = 12;

/// What is beside the critical chunks and changes what is seen.
constexpr std::array kPngChunks{"tRNS", "cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "bKGD", "hIST", "pHYs",
                                "sPLT", "acTL", "fcTL", "fdAT", "cICP", "mDCV", "mDCv", "cLLI", "cLLi"};

bool is_shown_by(std::string_view type) {
  const bool is_critical = type[0] >= 'A' && type[0] <= 'Z';
  return is_critical || std::find(kPngChunks.begin(), kPngChunks.end(), type) != kPngChunks.end();
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::string chunk(const std::string& type, const std::string& data) {
  boost::crc_32_type crc;
  crc.process_bytes((type + data).data(), type.size() + data.size());
  return big_endian(static_cast<std::uint32_t>(data.size())) + type + data + big_endian(crc.checksum());
}

/// `visit(offset, type, size)`, size with all that is around; until it returns false, the end, or what is behind it.
template <class Visit>
void for_each_chunk(MediaInput& in, Visit visit) {
  if (in.read(0, kSignature) != "\x89PNG\r\n\x1a\n") throw MalformedMedia("no PNG");
  for (auto at = kSignature; at < in.size();) {
    const auto size = static_cast<std::int64_t>(in.big_endian(at, 4)) + kAround;
    const std::string type(in.read(at + 4, 4));
    if (!visit(at, type, std::min(size, in.size() - at))) return;
    at += size;
  }
}

}  // namespace

void png_edits(MediaInput& in, int orientation, EditList& edits) {
  for_each_chunk(in, [&](std::int64_t at, const std::string& type, std::int64_t size) {
    if (!is_shown_by(type)) edits.cut(at, size);
    if (type == "IHDR" && orientation > 1) edits.replace(at + size, 0, chunk("eXIf", exif_of(orientation)));
    if (type != "IEND") return true;
    edits.cut(at + size, in.size() - at - size);
    return false;
  });
}

bool is_animated_png(MediaInput& in) {
  bool found = false;
  for_each_chunk(in, [&](std::int64_t, const std::string& type, std::int64_t) {
    found = found || type == "acTL";
    return !found && type != "IDAT";
  });
  return found;
}

}  // namespace simpleim::media
