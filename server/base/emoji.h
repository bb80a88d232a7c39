#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace simpleim::base {

/// `text` in the one form in which it is kept, when it is nothing but an emoji (UTS #51): with U+FE0F where a character
/// would be shown as a letter without it, and nowhere else. Nothing for any other text. Sequences that no font has are
/// taken; the next Unicode brings new ones. Well-formed UTF-8.
std::optional<std::string> canonical_emoji(std::string_view text);

}  // namespace simpleim::base
