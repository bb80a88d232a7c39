#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "media/metadata/metadata.h"

namespace simpleim::media {

/// Hands the content at `path` to `write` in pieces of at most 256 KiB, changed by `edits`, which ascend and do not
/// overlap; what lies behind the content's end is left out. Throws std::runtime_error when it cannot be read.
void copy_edited(const std::string& path, const std::vector<Edit>& edits,
                 const std::function<void(std::string_view piece)>& write);

}  // namespace simpleim::media
