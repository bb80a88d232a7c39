#include "media/content_type.h"

#include <magic.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "base/log.h"

namespace simpleim::media {
namespace {

constexpr std::string_view kUnknown = "application/octet-stream";

class Magic {
 public:
  Magic() : cookie_(magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_ELF)) {
    if (cookie_ == nullptr || magic_load(cookie_, nullptr) != 0)
      base::log::error("libmagic does not work; files are not recognised",
                       {{"what", cookie_ == nullptr ? "out of memory" : magic_error(cookie_)}});
  }
  ~Magic() {
    if (cookie_ != nullptr) magic_close(cookie_);
  }
  Magic(const Magic&) = delete;
  Magic& operator=(const Magic&) = delete;
  std::string type(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    const char* found = cookie_ == nullptr ? nullptr : magic_buffer(cookie_, bytes.data(), bytes.size());
    return found == nullptr ? std::string(kUnknown) : found;
  }

 private:
  std::mutex mutex_;
  magic_t cookie_;
};

struct Known {
  std::string_view mime;
  Shown shown;
};
/// What is HEIC or AVIF when it comes is given out as JPEG or WebP (media_processor.h).
constexpr std::array kShown{
    Known{"image/jpeg", Shown::kImage}, Known{"image/png", Shown::kImage},   Known{"image/gif", Shown::kImage},
    Known{"image/webp", Shown::kImage}, Known{"image/heic", Shown::kImage},  Known{"image/heif", Shown::kImage},
    Known{"image/avif", Shown::kImage}, Known{"audio/mpeg", Shown::kAudio},  Known{"audio/ogg", Shown::kAudio},
    Known{"audio/mp4", Shown::kAudio},  Known{"audio/x-m4a", Shown::kAudio}, Known{"audio/aac", Shown::kAudio},
    Known{"audio/wav", Shown::kAudio},  Known{"audio/x-wav", Shown::kAudio}, Known{"audio/webm", Shown::kAudio},
    Known{"audio/flac", Shown::kAudio}, Known{"video/mp4", Shown::kVideo},   Known{"video/webm", Shown::kVideo},
    Known{"video/ogg", Shown::kVideo}};

}  // namespace

std::string content_type(std::string_view beginning) {
  if (beginning.empty()) return std::string(kUnknown);
  static Magic magic;
  return magic.type(beginning.substr(0, kSniffBytes));
}

Shown shown_as(std::string_view mime) {
  const auto found = std::find_if(kShown.begin(), kShown.end(), [&](const Known& k) { return k.mime == mime; });
  return found == kShown.end() ? Shown::kDownload : found->shown;
}

}  // namespace simpleim::media
