#include "media/metadata/metadata.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "media/metadata/formats.h"

namespace simpleim::media {
namespace {

constexpr std::size_t kWindow = 128 << 10;
constexpr std::size_t kMaxRead = 64 << 10;

bool is_mp4(std::string_view mime) {
  return mime == "video/mp4" || mime == "video/quicktime" || mime == "video/3gpp" || mime == "video/3gpp2" ||
         mime == "video/x-m4v" || mime == "audio/mp4" || mime == "audio/x-m4a";
}
bool is_matroska(std::string_view mime) { return mime == "video/webm" || mime == "video/x-matroska"; }

}  // namespace

MediaInput::MediaInput(int fd) : fd_(fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) throw MalformedMedia("no regular file");
  size_ = about.st_size;
}

void MediaInput::load(std::int64_t offset) {
  window_.resize(kWindow);
  std::size_t filled = 0;
  while (filled < window_.size()) {
    const auto got =
        ::pread(fd_, window_.data() + filled, window_.size() - filled, offset + static_cast<std::int64_t>(filled));
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  window_.resize(filled);
  begin_ = offset;
}

std::string_view MediaInput::read(std::int64_t offset, std::size_t length) {
  const auto wanted = static_cast<std::int64_t>(length);
  if (length > kMaxRead || offset < 0 || offset > size_ - wanted) throw MalformedMedia("it ends too early");
  if (offset < begin_ || offset + wanted > begin_ + static_cast<std::int64_t>(window_.size())) load(offset);
  if (window_.size() < length) throw MalformedMedia("it cannot be read");
  return std::string_view(window_).substr(static_cast<std::size_t>(offset - begin_), length);
}

std::uint64_t MediaInput::big_endian(std::int64_t offset, std::size_t length) {
  std::uint64_t value = 0;
  for (const char byte : read(offset, length)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

std::uint64_t MediaInput::little_endian(std::int64_t offset, std::size_t length) {
  std::uint64_t value = 0;
  const auto bytes = read(offset, length);
  for (auto at = length; at-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at]);
  return value;
}

void EditList::add(Edit edit) {
  if (edit.length == 0 && edit.bytes.empty()) return;
  if (!edits_.empty()) {
    auto& last = edits_.back();
    const bool joins =
        last.offset + last.length == edit.offset && last.zero == edit.zero && last.bytes.empty() && edit.bytes.empty();
    if (joins) {
      last.length += edit.length;
      return;
    }
  }
  if (edits_.size() == kMax) throw MalformedMedia("it has too many parts to take out");
  edits_.push_back(std::move(edit));
}

std::vector<Edit> EditList::take() {
  std::stable_sort(edits_.begin(), edits_.end(), [](const Edit& a, const Edit& b) { return a.offset < b.offset; });
  std::int64_t end = 0;
  for (const auto& edit : edits_) {
    if (edit.offset < end) throw MalformedMedia("its parts overlap");
    end = edit.offset + edit.length;
  }
  return std::move(edits_);
}

bool may_carry_metadata(std::string_view mime) {
  return mime == "image/jpeg" || mime == "image/png" || mime == "image/webp" || mime == "image/gif" || is_mp4(mime) ||
         is_matroska(mime);
}

std::vector<Edit> metadata_edits(std::string_view mime, MediaInput& in, int orientation) {
  EditList edits;
  if (mime == "image/jpeg") jpeg_edits(in, orientation, edits);
  if (mime == "image/png") png_edits(in, orientation, edits);
  if (mime == "image/webp") webp_edits(in, orientation, edits);
  if (mime == "image/gif") gif_edits(in, edits);
  if (is_mp4(mime)) mp4_edits(in, edits);
  if (is_matroska(mime)) matroska_edits(in, edits);
  return edits.take();
}

std::string exif_of(int orientation) {
  using namespace std::string_literals;
  // Little-endian TIFF; one directory of one entry: tag 0x0112, type SHORT, one value.
  return "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + static_cast<char>(orientation) + "\0\0\0\0\0\0\0"s;
}

}  // namespace simpleim::media
