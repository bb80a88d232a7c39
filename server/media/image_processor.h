#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace simpleim::media {

/// What was found out and made of a picture.
struct ProcessedImage {
  /// Pixels, upright.
  std::int64_t width = 0;
  std::int64_t height = 0;
  /// Path of a WebP of at most kThumbnailPixels a side; the caller removes it.
  std::string thumbnail;
  /// Path of the same picture, upright and without metadata (place, device, author); empty when it had none and may
  /// stay as it is. The caller removes it.
  std::string cleaned;
};

inline constexpr int kThumbnailPixels = 480;
/// A picture of more is not decoded: 40 megapixels.
inline constexpr std::int64_t kMaxPixels = 40'000'000;

/// Runs `simpleim image-worker`, one process a picture, with limits on memory, time and output.
class ImageProcessor {
 public:
  /// `executable`: the simpleim binary; `scratch_dir`: an existing folder for results.
  ImageProcessor(std::string executable, std::string scratch_dir);

  /// Nothing when `path` is no picture that can be decoded within the limits. Blocks, at most 30 s.
  std::optional<ProcessedImage> process(const std::string& path, const std::string& mime, bool keep_metadata) const;

 private:
  const std::string executable_;
  const std::string scratch_dir_;
};

/// The worker's side: `simpleim image-worker IN MIME THUMBNAIL CLEANED|-`. Prints "WIDTH HEIGHT CLEANED(0|1)" and
/// returns 0, or prints why not on standard error.
int run_image_worker(const std::string& in, const std::string& mime, const std::string& thumbnail,
                     const std::string& cleaned);

}  // namespace simpleim::media
