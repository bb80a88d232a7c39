#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace simpleim::net {

/// RFC 4648 section 4, with padding.
std::string encode_base64(std::string_view bytes);
/// With or without padding; nothing when a character does not belong there.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace simpleim::net
