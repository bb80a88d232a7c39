#pragma once

#include <string>
#include <string_view>

/// What people see of a text (Unicode's default ignorable code points, white space and controls are not seen). All
/// texts are well-formed UTF-8.
namespace simpleim::base {

/// There is something to see.
bool is_visible(std::string_view text);
/// It has a character that turns the text around it (U+202A–202E, U+2066–2069): in a name it makes others look like
/// what they are not.
bool has_bidi_override(std::string_view text);
/// In the one form that looks the same (NFC, UAX #15), so that what looks alike is alike.
std::string normalized(std::string_view text);

}  // namespace simpleim::base
