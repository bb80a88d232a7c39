#pragma once

#include <memory>
#include <string_view>
#include <variant>

#include "protocol/frame.h"

namespace simpleim::protocol {

using ClientFrame = std::variant<RefusedFrame, SendFrame, OperationFrame, CallFrame, MarkFrame, TypingFrame,
                                 PresenceFrame, SyncFrame, QueryFrame, HeartbeatFrame>;

/// Bytes that must be readable behind a frame's text (their value does not matter).
constexpr std::size_t kFramePadding = 64;

/// Reads the frames of protocol.md section 3 strictly: whole JSON grammar, depth at most 32, no duplicate keys, exact
/// types. Unknown fields are ignored. Keeps its buffers from frame to frame; one instance a thread.
class FrameParser {
 public:
  explicit FrameParser(FrameLimits limits);
  ~FrameParser();

  /// `text` is followed by kFramePadding readable bytes. Never throws.
  ClientFrame parse(std::string_view text);
  /// A Frame of proto/simpleim.proto. Never throws.
  ClientFrame parse_protobuf(std::string_view bytes);

 private:
  struct Buffers;
  const FrameLimits limits_;
  const std::unique_ptr<Buffers> buffers_;
};

}  // namespace simpleim::protocol
