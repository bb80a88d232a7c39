#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/error.h"

namespace simpleim::service {

/// The rules of protocol.md section 1 for texts that people choose. Nothing when `text` is fine,
/// else a kValidation error that names `field` and the rule.
std::optional<protocol::Error> check_username(std::string_view text);
/// `least` to `most` code points, something to see (when least > 0), no control characters (line
/// breaks only where `lines`).
std::optional<protocol::Error> check_text(std::string_view field, std::string_view text, std::size_t least,
                                          std::size_t most, bool lines = false);

/// As check_text() without lines, for what people and groups are called: nothing in it turns the text around it, and
/// when there is one at all it can be seen. Names are kept in the form of base::normalized().
std::optional<protocol::Error> check_name(std::string_view field, std::string_view text, std::size_t least,
                                          std::size_t most);
/// People would take this name for the operator's: it stands in the list (auth.reserved_usernames), in any case and
/// with any dots, dashes and underscores.
bool is_reserved(std::string_view username, std::string_view reserved);

}  // namespace simpleim::service
