#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace simpleim::net {

/// The WebSocket wire format (RFC 6455 section 5).
enum class Opcode : std::uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

inline bool is_control(Opcode opcode) { return (static_cast<int>(opcode) & 8) != 0; }

/// Close codes of RFC 6455 section 7.4 and protocol.md section 3.
enum class CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnsupported = 1003,
  kBadUtf8 = 1007,
  kPolicy = 1008,
  kTooBig = 1009,
  kInternal = 1011,
  kReplaced = 4001,
  kRevoked = 4002,
  kHeartbeatTimeout = 4008,
  kSlowConsumer = 4009,
  kDraining = 4010,
};

/// The header of a frame that a client sent.
struct FrameHeader {
  bool fin = false;
  /// RSV1 of a message's first frame: permessage-deflate (RFC 7692 section 6).
  bool compressed = false;
  Opcode opcode = Opcode::kText;
  std::uint64_t payload_size = 0;
  std::array<unsigned char, 4> mask{};
  /// Bytes of the header itself.
  std::size_t size = 0;
};

struct HeaderResult {
  enum class State { kComplete, kNeedMore, kError };
  State state = State::kNeedMore;
  FrameHeader header{};
  const char* problem = "";
};

/// Reads a client's frame header: masking is a must, reserved bits and opcodes and fragmented or long control frames
/// are errors (1002). `deflates`: the connection has agreed on compression.
HeaderResult parse_frame_header(std::string_view bytes, bool deflates = false);

/// Unmasks in place; `offset` is the position of `data` within the payload.
void unmask(char* data, std::size_t size, const std::array<unsigned char, 4>& mask, std::size_t offset);

/// The longest header a server writes.
constexpr std::size_t kMaxServerHeader = 10;
enum class Compressed : bool { kNo, kYes };
/// Writes an unmasked header with FIN; returns its length.
std::size_t write_frame_header(char* out, Opcode opcode, std::size_t payload_size,
                               Compressed compressed = Compressed::kNo);
void append_frame_header(std::string& out, Opcode opcode, std::size_t payload_size,
                         Compressed compressed = Compressed::kNo);
/// What stands in `frame`, one whole frame that this server wrote.
std::string_view server_frame_payload(std::string_view frame);

/// True for codes that may stand in a close frame on the wire.
bool is_valid_close_code(std::uint16_t code);

}  // namespace simpleim::net
