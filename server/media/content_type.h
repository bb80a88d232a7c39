#pragma once

#include <string>
#include <string_view>

namespace simpleim::media {

/// Bytes of a content's beginning that content_type() wants to see.
inline constexpr std::size_t kSniffBytes = 8192;

/// The media type by content, whatever the file is called: "image/png", "application/octet-stream" when unknown.
/// Thread-safe; libmagic's data is loaded with the first call.
std::string content_type(std::string_view beginning);

enum class Shown { kDownload, kImage, kAudio, kVideo };
/// What browsers may show in place without running anything; all else is only downloaded.
Shown shown_as(std::string_view mime);

}  // namespace simpleim::media
