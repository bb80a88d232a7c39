#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// Compressed messages (RFC 7692), without context takeover in either direction: each message stands for itself, so
/// what many sockets get is compressed once, and a connection holds no window.
namespace simpleim::net {

/// What a client and the server agree on.
struct DeflateAgreement {
  /// The windows that what we send has to fit into, as a power of two: 9 to 15.
  int server_window_bits = 15;
  /// The value of the answer's Sec-WebSocket-Extensions.
  std::string response;
};

/// The first offer of a Sec-WebSocket-Extensions header that can be kept; nothing: none.
std::optional<DeflateAgreement> accept_deflate(std::string_view offers);

/// Messages below this size are not worth it, in bytes.
constexpr std::size_t kMinDeflated = 256;
/// The window of what is compressed for many. Whoever agreed on a smaller one gets that as it is.
constexpr int kSharedWindowBits = 12;

/// Compresses and restores messages, one after the other; one instance a thread.
class MessageDeflate {
 public:
  MessageDeflate();
  ~MessageDeflate();

  /// Replaces `out` by `message`, compressed for a window of `window_bits`. False: it has not become smaller.
  bool deflate(std::string& out, std::string_view message, int window_bits = kSharedWindowBits);

  enum class Inflated { kWhole, kTooBig, kBroken };
  /// Replaces `out` by the message that `compressed` holds. Stops at `max_size` bytes, having made few more.
  Inflated inflate(std::string& out, std::string_view compressed, std::size_t max_size);

 private:
  struct Streams;
  const std::unique_ptr<Streams> streams_;
};

}  // namespace simpleim::net
