#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "protocol/frame.h"

namespace simpleim::protocol {

/// Writes the server's frames as Protobuf (proto/simpleim.proto): any of them from its JSON, the form that they have
/// everywhere else, and those of a message's path from what they say (docs/decisions/0024). Keeps its buffers from
/// frame to frame; one instance a thread.
class ProtobufEncoder {
 public:
  ProtobufEncoder();
  ~ProtobufEncoder();

  /// Appends `json`, one frame of frame_writer.h, as a Frame. Throws std::invalid_argument for what is no frame.
  void encode(std::string& out, std::string_view json);
  /// The same as of write_message().
  void encode(std::string& out, const Message& message);
  /// The same as of write_ack().
  void encode_ack(std::string& out, std::string_view message_id, UserId to, ConversationId conversation,
                  std::int64_t seq, std::int64_t timestamp);

 private:
  struct Buffers;
  const std::unique_ptr<Buffers> buffers_;
};

}  // namespace simpleim::protocol
