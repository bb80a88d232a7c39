#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What a picture or a film says of the place, time, person and device it was made with, found without decoding it: the
/// content stays byte for byte what it was, but for that. A parser of hostile input: it runs in the worker's process.
namespace simpleim::media {

/// One change of a content; the changes of a content ascend and do not overlap.
struct Edit {
  std::int64_t offset = 0;
  std::int64_t length = 0;
  /// Of a format whose parts are found by their offsets: the bytes stay as zeros. Otherwise `bytes` take their place.
  bool zero = false;
  std::string bytes;
};

/// The content is not what its type says.
struct MalformedMedia : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A content to read from, by offsets. Owned by one thread; does not own the descriptor.
class MediaInput {
 public:
  /// `fd`: a regular file. Throws MalformedMedia when its size cannot be had.
  explicit MediaInput(int fd);

  std::int64_t size() const { return size_; }
  /// Exactly `length` (at most 64 KiB) bytes at `offset`, good until the next call. MalformedMedia when they are not
  /// there.
  std::string_view read(std::int64_t offset, std::size_t length);
  std::uint64_t big_endian(std::int64_t offset, std::size_t length);
  std::uint64_t little_endian(std::int64_t offset, std::size_t length);

 private:
  void load(std::int64_t offset);

  const int fd_;
  std::int64_t size_ = 0;
  std::int64_t begin_ = 0;
  std::string window_;
};

/// Collects edits in the order of the content; neighbours are joined.
class EditList {
 public:
  /// More are not made of one content: MalformedMedia.
  static constexpr std::size_t kMax = 50'000;

  void cut(std::int64_t offset, std::int64_t length) { add({offset, length, false, ""}); }
  void zero(std::int64_t offset, std::int64_t length) { add({offset, length, true, ""}); }
  void replace(std::int64_t offset, std::int64_t length, std::string bytes) {
    add({offset, length, false, std::move(bytes)});
  }
  /// Sorted by offset.
  std::vector<Edit> take();

 private:
  void add(Edit edit);

  std::vector<Edit> edits_;
};

/// Whether contents of this media type are looked at.
bool may_carry_metadata(std::string_view mime);

/// What to change so that nothing is said any more: EXIF, XMP, IPTC, comments, texts, unknown parts and whatever
/// follows the end; profiles of colour and what is needed to show it stay. `orientation`: 2 to 8 is kept, as the only
/// field of an EXIF block; 0 and 1 need none. Empty when there is nothing to change. Throws MalformedMedia.
std::vector<Edit> metadata_edits(std::string_view mime, MediaInput& in, int orientation);

/// A PNG of several frames (APNG).
bool is_animated_png(MediaInput& in);

}  // namespace simpleim::media
