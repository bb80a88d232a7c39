#pragma once

#include <string>
#include <string_view>

namespace simpleim::service {

/// A name that is safe to show and to save under: the last part of a path, without control characters; at most 255
/// bytes with the extension kept; "file" when nothing is left.
std::string safe_file_name(std::string_view name);

/// The safe name with another extension (".jpg"), in place of the one of a picture's name if it has one.
std::string renamed(std::string_view name, std::string_view extension);

}  // namespace simpleim::service
