#include <algorithm>
#include <array>

#include "media/metadata/formats.h"

namespace simpleim::media {
namespace {

using namespace std::string_literals;

constexpr std::int64_t kRiffHead = 12;
constexpr std::int64_t kChunkHead = 8;
constexpr unsigned kXmpFlag = 0x04;
constexpr unsigned kExifFlag = 0x08;
constexpr std::array kWebpChunks{"VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP"};

std::string little_endian(std::uint64_t value) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

}  // namespace

void webp_edits(MediaInput& in, int orientation, EditList& edits) {
  const std::string head(in.read(0, kRiffHead));
  if (!head.starts_with("RIFF") || !head.ends_with("WEBP")) throw MalformedMedia("no WebP");
  const auto end = std::min<std::int64_t>(in.size(), static_cast<std::int64_t>(in.little_endian(4, 4)) + 8);
  const auto exif = orientation > 1 ? "EXIF\x1a\0\0\0"s + exif_of(orientation) : ""s;
  std::int64_t taken = 0;
  std::int64_t flags_at = 0;
  EditList parts;
  for (auto at = kRiffHead; at + kChunkHead <= end;) {
    const std::string type(in.read(at, 4));
    const auto data = static_cast<std::int64_t>(in.little_endian(at + 4, 4));
    const auto size = std::min(kChunkHead + data + (data & 1), end - at);
    if (type == "VP8X") flags_at = at + kChunkHead;
    if (std::find(kWebpChunks.begin(), kWebpChunks.end(), type) == kWebpChunks.end()) {
      parts.cut(at, size);
      taken += size;
    }
    at += size;
  }
  // Without the extended header there is no place for metadata, and none is read.
  const auto added = flags_at > 0 ? exif : ""s;
  if (taken == 0 && in.size() == end && added.empty()) return;
  const auto length = static_cast<std::uint64_t>(end - kChunkHead - taken) + added.size();
  edits.replace(4, 4, little_endian(length));
  if (flags_at > 0) {
    const auto flags = (in.big_endian(flags_at, 1) & ~(kXmpFlag | kExifFlag)) | (added.empty() ? 0 : kExifFlag);
    edits.replace(flags_at, 1, std::string(1, static_cast<char>(flags)));
  }
  for (auto& part : parts.take()) edits.cut(part.offset, part.length);
  if (in.size() > end || !added.empty()) edits.replace(end, in.size() - end, added);
}

}  // namespace simpleim::media
