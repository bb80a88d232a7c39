#pragma once

#include <string>
#include <string_view>

namespace simpleim::service {

/// A name that is safe to show and to save under: the last part of a path, without control characters, characters that
/// turn the direction of text, or leading dots; at most 255 bytes with the extension kept; "file" when nothing is left.
std::string safe_file_name(std::string_view name);

}  // namespace simpleim::service
