#include <algorithm>

#include "media/metadata/formats.h"

namespace simpleim::media {
namespace {

constexpr std::uint64_t kEbml = 0x1a45dfa3;
constexpr std::uint64_t kSegment = 0x18538067;
constexpr std::uint64_t kCluster = 0x1f43b675;
constexpr std::uint64_t kTags = 0x1254c367;
constexpr std::uint64_t kAttachments = 0x1941a469;
constexpr char kVoid = '\xec';

struct Element {
  std::uint64_t id = 0;
  std::int64_t begin = 0;
  std::int64_t data = 0;
  std::int64_t end = 0;
  bool has_size = true;
};

/// How many bytes a number of variable length has, by its first (RFC 8794 section 4).
std::size_t length_of(std::uint64_t first) {
  std::size_t length = 1;
  for (std::uint64_t bit = 0x80; bit != 0 && (first & bit) == 0; bit >>= 1) ++length;
  if (length > 8) throw MalformedMedia("no number in a Matroska file");
  return length;
}

Element element_at(MediaInput& in, std::int64_t at, std::int64_t end) {
  Element element;
  element.begin = at;
  const auto of_id = length_of(in.big_endian(at, 1));
  if (of_id > 4) throw MalformedMedia("no element in a Matroska file");
  element.id = in.big_endian(at, of_id);
  at += static_cast<std::int64_t>(of_id);
  const auto of_size = length_of(in.big_endian(at, 1));
  const auto mask = (std::uint64_t{1} << (7 * of_size)) - 1;
  const auto size = in.big_endian(at, of_size) & mask;
  element.data = at + static_cast<std::int64_t>(of_size);
  element.has_size = size != mask;
  const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(0, end - element.data));
  element.end = element.data + static_cast<std::int64_t>(std::min(size, left));
  return element;
}

/// The same bytes as one element that readers pass over: offsets in the index do not move.
void blank(const Element& element, EditList& edits) {
  // The head's bytes: the id of Void, and a size in all that is left of the head (as many as 8 bytes).
  const auto head = std::min<std::int64_t>(element.data - element.begin, 9);
  const auto of_size = head - 1;
  auto size = static_cast<std::uint64_t>(element.end - element.begin - head);
  std::string bytes(static_cast<std::size_t>(head), '\0');
  bytes[0] = kVoid;
  for (auto i = of_size; i >= 1; --i, size >>= 8) bytes[static_cast<std::size_t>(i)] = static_cast<char>(size & 0xff);
  bytes[1] = static_cast<char>(static_cast<unsigned char>(bytes[1]) | (0x80 >> (of_size - 1)));
  edits.replace(element.begin, head, bytes);
  edits.zero(element.begin + head, element.end - element.begin - head);
}

}  // namespace

void matroska_edits(MediaInput& in, EditList& edits) {
  const auto head = element_at(in, 0, in.size());
  if (head.id != kEbml) throw MalformedMedia("no Matroska file");
  const auto segment = element_at(in, head.end, in.size());
  if (segment.id != kSegment) throw MalformedMedia("no Matroska file");
  const auto end = segment.has_size ? segment.end : in.size();
  for (auto at = segment.data; at + 2 <= end;) {
    const auto element = element_at(in, at, end);
    if (element.id == kTags || element.id == kAttachments) blank(element, edits);
    // Recorded live: where it ends can only be told by reading all of it, and nothing is written behind.
    if (element.id == kCluster && !element.has_size) return;
    at = element.end;
  }
}

}  // namespace simpleim::media
