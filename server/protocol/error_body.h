#pragma once

#include <string>

#include "protocol/error.h"

namespace simpleim::protocol {

/// The JSON of a refusal (protocol.md section 2): `code`, `error`, `message` and, where there is something to say,
/// `details`. A token that is no good is always "invalid token" (base contract); why stands in details.reason.
std::string error_body(const Error& error);

}  // namespace simpleim::protocol
