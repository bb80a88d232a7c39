#include "net/websocket_handshake.h"

#include <openssl/sha.h>

#include <array>

#include "net/base64.h"
#include "net/header_value.h"
#include "net/response_head.h"

namespace simpleim::net {
namespace {

/// A key is 16 bytes in base64: 24 characters that end in "==".
bool is_websocket_key(std::string_view key) { return key.size() == 24 && key.ends_with("=="); }

std::string accept_key(std::string_view key) {
  const auto text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return encode_base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace

bool is_websocket_handshake(const Request& request) {
  return has_token(request.header("upgrade"), "websocket") && has_token(request.header("connection"), "upgrade") &&
         request.header("sec-websocket-version") == "13" && is_websocket_key(request.header("sec-websocket-key"));
}

std::string accept_websocket(std::string_view key, std::string_view subprotocol, std::string_view extensions) {
  std::string head = status_line(101) +
                     "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept_key(key) + "\r\n";
  if (!subprotocol.empty()) head += "Sec-WebSocket-Protocol: " + std::string(subprotocol) + "\r\n";
  if (!extensions.empty()) head += "Sec-WebSocket-Extensions: " + std::string(extensions) + "\r\n";
  return head + "\r\n";
}

}  // namespace simpleim::net
