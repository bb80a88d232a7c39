#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace simpleim::net {

/// The request asks for a WebSocket of version 13 (RFC 6455 section 4.2.1).
bool is_websocket_handshake(const Request& request);
/// The head of the answer that opens it (section 4.2.2); no subprotocol or extensions when they are "".
std::string accept_websocket(std::string_view key, std::string_view subprotocol, std::string_view extensions);

}  // namespace simpleim::net
