#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "media/edited_copy.h"
#include "media/metadata/metadata.h"

using simpleim::media::Edit;

namespace {

/// A content in memory that has a descriptor and a path.
class Content {
 public:
  explicit Content(std::string_view bytes) : fd_(::memfd_create("content", 0)) {
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  ~Content() { ::close(fd_); }
  int fd() const { return fd_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  const int fd_;
};

std::vector<Edit> edits_of(const std::string& mime, const Content& content) {
  simpleim::media::MediaInput in(content.fd());
  return simpleim::media::metadata_edits(mime, in, 1);
}

}  // namespace

/// Edits ascend within the content, and what they leave has nothing more to take out. The first byte is the format.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const std::array<std::string, 6> kMimes{"image/jpeg", "image/png", "image/webp",
                                                 "image/gif",  "video/mp4", "video/webm"};
  if (size == 0) return 0;
  const auto& mime = kMimes[bytes[0] % kMimes.size()];
  const std::string_view content(reinterpret_cast<const char*>(bytes + 1), size - 1);
  try {
    const Content before(content);
    const auto edits = edits_of(mime, before);
    std::int64_t end = 0;
    for (const auto& edit : edits) {
      if (edit.offset < end || edit.length < 0) std::abort();
      end = edit.offset + edit.length;
    }
    if (end > static_cast<std::int64_t>(content.size())) std::abort();
    std::string left;
    simpleim::media::copy_edited(before.path(), edits, [&](std::string_view piece) { left += piece; });
    const Content after(left);
    if (!edits_of(mime, after).empty()) std::abort();
  } catch (const simpleim::media::MalformedMedia&) {
  }
  return 0;
}
