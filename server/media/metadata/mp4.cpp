#include <algorithm>
#include <optional>

#include "media/metadata/formats.h"

namespace simpleim::media {
namespace {

/// Boxes in boxes; metadata stands at the fourth level at the deepest.
constexpr int kMaxDepth = 8;
constexpr std::int64_t kMaxEntries = 1'000'000;

struct Box {
  std::string type;
  std::int64_t begin = 0;
  std::int64_t data = 0;
  std::int64_t end = 0;
};

Box box_at(MediaInput& in, std::int64_t at, std::int64_t end) {
  Box box{std::string(in.read(at + 4, 4)), at, at + 8, 0};
  auto size = static_cast<std::int64_t>(in.big_endian(at, 4));
  if (size == 1) {
    const auto large = in.big_endian(at + 8, 8);
    // A size beyond the content's: what is there.
    size = large > static_cast<std::uint64_t>(in.size()) ? end - at : static_cast<std::int64_t>(large);
    box.data = at + 16;
  }
  if (size == 0) size = end - at;
  box.end = std::min(at + size, end);
  if (box.end < box.data) throw MalformedMedia("a box is shorter than its head");
  return box;
}

template <class Visit>
void for_each_box(MediaInput& in, std::int64_t at, std::int64_t end, Visit visit) {
  // QuickTime ends some lists with four zero bytes.
  while (at + 8 <= end) {
    const auto box = box_at(in, at, end);
    visit(box);
    at = box.end;
  }
}

/// The first box along the path, such as {"mdia", "hdlr"}.
std::optional<Box> find(MediaInput& in, const Box& parent, std::initializer_list<std::string_view> path) {
  auto inside = std::optional<Box>(parent);
  for (const auto& type : path) {
    std::optional<Box> found;
    for_each_box(in, inside->data, inside->end, [&](const Box& box) {
      if (!found && box.type == type) found = box;
    });
    if (!found) return std::nullopt;
    inside = found;
  }
  return inside;
}

/// The box stays where it is, as one that readers pass over: offsets of the samples do not move.
void blank(const Box& box, EditList& edits) {
  edits.replace(box.begin + 4, 4, "free");
  edits.zero(box.data, box.end - box.data);
}

/// A table of entries behind the version, the flags and `before` more bytes; `visit(offset of an entry, its index)`.
template <class Visit>
void for_each_entry(MediaInput& in, const Box& table, std::int64_t before, std::int64_t entry, Visit visit) {
  const auto count = static_cast<std::int64_t>(in.big_endian(table.data + 4 + before, 4));
  if (count > kMaxEntries) throw MalformedMedia("a table is too long");
  const auto first = table.data + 8 + before;
  for (std::int64_t i = 0; i < count && first + (i + 1) * entry <= table.end; ++i) visit(first + i * entry, i);
}

/// Where a camera went and how it moved, second by second: samples of a track of its own, among those of picture and
/// sound (ISO/IEC 14496-12 8.6, 8.7: sizes, samples a chunk, offsets of chunks).
void zero_samples(MediaInput& in, const Box& track, EditList& edits) {
  const auto tables = find(in, track, {"mdia", "minf", "stbl"});
  if (!tables) return;
  const auto sizes = find(in, *tables, {"stsz"});
  const auto runs = find(in, *tables, {"stsc"});
  auto offsets = find(in, *tables, {"stco"});
  const std::int64_t wide = offsets ? 4 : 8;
  if (!offsets) offsets = find(in, *tables, {"co64"});
  if (!sizes || !runs || !offsets) return;
  const auto same = static_cast<std::int64_t>(in.big_endian(sizes->data + 4, 4));
  std::vector<std::int64_t> each;
  if (same == 0)
    for_each_entry(in, *sizes, 4, 4, [&](std::int64_t at, std::int64_t) {
      each.push_back(static_cast<std::int64_t>(in.big_endian(at, 4)));
    });
  std::vector<std::pair<std::int64_t, std::int64_t>> per_chunk;
  for_each_entry(in, *runs, 0, 12, [&](std::int64_t at, std::int64_t) {
    per_chunk.emplace_back(in.big_endian(at, 4), in.big_endian(at + 4, 4));
  });
  std::size_t sample = 0;
  std::size_t run = 0;
  for_each_entry(in, *offsets, 0, wide, [&](std::int64_t at, std::int64_t chunk) {
    while (run + 1 < per_chunk.size() && per_chunk[run + 1].first <= chunk + 1) ++run;
    if (per_chunk.empty()) return;
    auto samples = std::min(per_chunk[run].second, kMaxEntries);
    std::int64_t length = same * samples;
    for (; same == 0 && samples > 0 && sample < each.size(); --samples) length += each[sample++];
    const auto from = static_cast<std::int64_t>(in.big_endian(at, static_cast<std::size_t>(wide)));
    if (from < 0 || from > in.size()) return;
    edits.zero(from, std::min(length, in.size() - from));
  });
}

bool is_track_of_metadata(MediaInput& in, const Box& track) {
  const auto handler = find(in, track, {"mdia", "hdlr"});
  return handler && in.read(handler->data + 8, 4) == "meta";
}

bool is_metadata(const Box& box) { return box.type == "udta" || box.type == "meta" || box.type == "uuid"; }

void movie_edits(MediaInput& in, const Box& parent, int depth, EditList& edits) {
  if (depth > kMaxDepth) throw MalformedMedia("boxes too deep in boxes");
  for_each_box(in, parent.data, parent.end, [&](const Box& box) {
    if (is_metadata(box)) {
      blank(box, edits);
    } else if (box.type == "trak" && is_track_of_metadata(in, box)) {
      zero_samples(in, box, edits);
      blank(box, edits);
    } else if (box.type == "trak" || box.type == "mdia") {
      movie_edits(in, box, depth + 1, edits);
    }
  });
}

}  // namespace

void mp4_edits(MediaInput& in, EditList& edits) {
  if (in.size() < 8) throw MalformedMedia("no MP4");
  for_each_box(in, 0, in.size(), [&](const Box& box) {
    if (is_metadata(box)) blank(box, edits);
    if (box.type == "moov") movie_edits(in, box, 1, edits);
  });
}

}  // namespace simpleim::media
