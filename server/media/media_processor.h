#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/metadata/metadata.h"

namespace simpleim::media {

/// What was found out and made of a picture or a film.
struct ProcessedMedia {
  /// Pixels, upright; 0 when it is no picture that can be shown.
  std::int64_t width = 0;
  std::int64_t height = 0;
  /// Path of a WebP of at most kThumbnailPixels a side, of a picture; the caller removes it.
  std::string thumbnail;
  /// Path of the same picture, upright and in the format `mime`; empty when the content can be given out in its own.
  /// The caller removes it.
  std::string rewritten;
  std::string mime;
  /// What takes the metadata (place, device, author) out of `rewritten`, or out of the content when that is empty.
  std::vector<Edit> edits;
};

inline constexpr int kThumbnailPixels = 480;

/// Runs `simpleim media-worker`, one process a content, confined (media/confine.h) and with limits on memory, time and
/// output.
class MediaProcessor {
 public:
  /// `executable`: the simpleim binary; `scratch_dir`: an existing folder for results.
  MediaProcessor(std::string executable, std::string scratch_dir);

  /// `path`: the content; `mime`: its type, for which needs_processing() is true. A picture at which the worker fails,
  /// or takes more than two minutes, is none, and its metadata is looked for without decoding it. Blocks; thread-safe.
  ProcessedMedia process(const std::string& path, const std::string& mime) const;

 private:
  const std::string executable_;
  const std::string scratch_dir_;
};

/// Pictures, and what may carry metadata: all that process() has something to do with.
bool needs_processing(std::string_view mime);

/// The worker's side: `simpleim media-worker MIME [--no-decoding]`. Reads the content from descriptor 0 and writes a
/// thumbnail to kThumbnailFd and a rewritten picture to kRewrittenFd. Prints lines: "size WIDTH HEIGHT",
/// "rewritten MIME", "cut OFFSET LENGTH", "zero OFFSET LENGTH", "replace OFFSET LENGTH HEX", and "end". Returns 0,
/// or prints why not on standard error.
int run_media_worker(const std::string& mime, bool decodes);

inline constexpr int kThumbnailFd = 3;
inline constexpr int kRewrittenFd = 4;

}  // namespace simpleim::media
