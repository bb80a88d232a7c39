#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Values of HTTP header fields (RFC 9110 section 5.6).
namespace simpleim::net {

/// ASCII letters in lower case, everything else as it is.
std::string lower(std::string_view text);
/// Without spaces and tabs around it.
std::string_view trim(std::string_view text);
/// The items of a list, which commas separate; empty ones are left out. Views of `list`.
std::vector<std::string_view> split_list(std::string_view list);
/// security.allowed_origins has this value of Origin; a slash at the end of an entry is the administrator's and means
/// nothing (RFC 6454 section 6.1).
bool is_allowed_origin(const std::vector<std::string>& allowed, std::string_view origin);
/// A list has the token, which is given in lower case.
bool has_token(std::string_view list, std::string_view token);

}  // namespace simpleim::net
