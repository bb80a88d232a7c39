#pragma once

#include <span>
#include <string_view>

namespace simpleim::api {

/// One file of the web client, as it lies in the binary. An encoding that does not pay is empty.
struct Asset {
  /// "/index.html"
  std::string_view path;
  std::string_view content_type;
  /// Quoted, of the content without encoding.
  std::string_view etag;
  /// The name changes with the content: it may be kept for ever.
  bool immutable = false;
  std::string_view plain;
  std::string_view gzip;
  std::string_view brotli;
};

/// Sorted by path.
using Assets = std::span<const Asset>;

/// What the build packed into this binary; empty in a build without the web client.
Assets embedded_assets();

}  // namespace simpleim::api
