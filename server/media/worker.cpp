#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>

#include "media/confine.h"
#include "media/content_type.h"
#include "media/media_processor.h"
#include "media/vips.h"

/// Runs in a process of its own, which hostile contents may end.
namespace simpleim::media {
namespace {

constexpr rlim_t kMemory = rlim_t{1536} << 20;
constexpr rlim_t kProcessorSeconds = 20;
constexpr rlim_t kOutput = rlim_t{64} << 20;

/// Pixels that are decoded as a whole; what phones make is less (a HEIC of 48 megapixels). More are no picture to show.
constexpr std::int64_t kMaxPixels = 64'000'000;
/// A JPEG is shrunk while it is decoded: the largest sensors make 200 megapixels.
constexpr std::int64_t kMaxJpegPixels = 220'000'000;
/// A PNG's lines are inflated one by one, and may take 8 bytes a pixel.
constexpr std::int64_t kMaxPngPixels = 40'000'000;

constexpr int kThumbnailQuality = 75;
constexpr int kQuality = 92;

void limit(__rlimit_resource_t what, rlim_t value) {
  const rlimit bound{value, value};
  (void)::setrlimit(what, &bound);
}

std::int64_t most_pixels(const std::string& mime) {
  return mime == "image/jpeg" ? kMaxJpegPixels : mime == "image/png" ? kMaxPngPixels : kMaxPixels;
}

/// Formats of phones that browsers do not show everywhere, or whose metadata cannot be taken out in place.
bool is_converted(const std::string& mime) {
  return mime == "image/heic" || mime == "image/heif" || mime == "image/avif";
}

class Worker {
 public:
  Worker(std::string mime, bool decodes) : mime_(std::move(mime)), decodes_(decodes) {}

  void run() {
    if (decodes_ && shown_as(mime_) == Shown::kImage) load();
    confine_process();
    if (vips_) picture();
    if (rewritten_.empty()) edits(STDIN_FILENO, mime_, orientation_);
    // libvips writes EXIF of its own into a WebP.
    else edits(kRewrittenFd, rewritten_, 1);
    std::printf("end\n");
  }

 private:
  void load() {
    // Large pictures are held in memory: there is no file for them.
    (void)::setenv("VIPS_DISC_THRESHOLD", "4g", 1);
    (void)::setenv("VIPS_WARNING", "0", 1);
    try {
      vips_.emplace();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "media-worker: %s\n", e.what());
    }
  }

  /// Without a result when it cannot be shown: it can still be sent.
  void picture() {
    try {
      auto* image = vips_->open(STDIN_FILENO);
      orientation_ = vips_->orientation(image);
      auto width = vips_->width(image);
      auto height = vips_->height(image);
      const auto pixels = std::int64_t{width} * height;
      if (pixels > most_pixels(mime_)) throw std::runtime_error("the picture has too many pixels");
      const bool animated = vips_->pages(image) > 1 || is_animated_png();
      vips_->save(vips_->shrunk(STDIN_FILENO, kThumbnailPixels), kThumbnailFd, "image/webp", kThumbnailQuality);
      const bool turned = orientation_ > 1 && !animated && pixels <= kMaxPixels && mime_ != "image/gif";
      if (is_converted(mime_) || turned) rewrite(std::max(width, height) + 1, vips_->has_alpha(image));
      constexpr int kFirstOnItsSide = 5;
      if (orientation_ >= kFirstOnItsSide) std::swap(width, height);
      std::printf("size %d %d\n", width, height);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "media-worker: %s\n", e.what());
    }
  }

  void rewrite(int side, bool has_alpha) {
    const auto format = is_converted(mime_) ? std::string(has_alpha ? "image/webp" : "image/jpeg") : mime_;
    vips_->save(vips_->shrunk(STDIN_FILENO, side), kRewrittenFd, format, kQuality);
    std::printf("rewritten %s\n", format.c_str());
    rewritten_ = format;
  }

  bool is_animated_png() {
    if (mime_ != "image/png") return false;
    MediaInput in(STDIN_FILENO);
    return media::is_animated_png(in);
  }

  static void edits(int fd, const std::string& mime, int orientation) {
    try {
      if (!may_carry_metadata(mime)) throw MalformedMedia("its metadata cannot be taken out of " + mime);
      MediaInput in(fd);
      for (const auto& edit : metadata_edits(mime, in, orientation)) print(edit);
    } catch (const MalformedMedia& e) {
      std::fprintf(stderr, "media-worker: %s\n", e.what());
    }
  }

  static void print(const Edit& edit) {
    std::printf("%s %ld %ld", edit.zero ? "zero" : edit.bytes.empty() ? "cut" : "replace", edit.offset, edit.length);
    if (!edit.bytes.empty()) std::printf(" ");
    for (const char byte : edit.bytes) std::printf("%02x", static_cast<unsigned char>(byte));
    std::printf("\n");
  }

  const std::string mime_;
  const bool decodes_;
  std::optional<Vips> vips_;
  int orientation_ = 1;
  /// The format of what was written anew.
  std::string rewritten_;
};

}  // namespace

int run_media_worker(const std::string& mime, bool decodes) {
  limit(RLIMIT_AS, kMemory);
  limit(RLIMIT_CPU, kProcessorSeconds);
  limit(RLIMIT_FSIZE, kOutput);
  limit(RLIMIT_CORE, 0);
  try {
    Worker(mime, decodes).run();
    std::fflush(stdout);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "media-worker: %s\n", e.what());
    return 1;
  }
  // The end of the process frees what libvips holds, faster than libvips does.
  std::_Exit(0);
}

}  // namespace simpleim::media
