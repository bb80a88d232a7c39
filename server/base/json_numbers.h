#pragma once

#include <string>
#include <string_view>

namespace simpleim::base {

/// The JSON text with `{}` in place of each number that neither 64 bits nor a double hold: simdjson refuses a whole
/// text for one, also where nobody reads it (RFC 8259 section 6 sets no limit). What reads the field still finds that
/// it is no number. Anything that is no JSON stays what it is. The same length as before.
std::string without_huge_numbers(std::string_view json);

}  // namespace simpleim::base
