#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/error.h"

namespace simpleim::service {

/// The rules of protocol.md section 1 for texts that people choose. Nothing when `text` is fine,
/// else a kValidation error that names `field` and the rule.
std::optional<protocol::Error> check_username(std::string_view text);
/// `least` to `most` code points, not only blanks (when least > 0), no control characters (line
/// breaks only where `lines`).
std::optional<protocol::Error> check_text(std::string_view field, std::string_view text, std::size_t least,
                                          std::size_t most, bool lines = false);

}  // namespace simpleim::service
