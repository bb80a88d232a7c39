#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "protocol/error.h"

namespace simpleim::protocol {

using base::ConversationId;
using base::GroupId;
using base::MessageId;
using base::UserId;

/// Frame types of protocol.md section 3.
enum class FrameType : std::uint8_t {
  kText = 0,
  kPrivate = 1,
  kGroup = 2,
  kEvent = 3,
  kAck = 30,
  kRead = 31,
  kTyping = 33,
  kError = 34,
  kDelivered = 37,
  kConversation = 38,
  kPresence = 50,
  kSync = 60,
  kHeartbeat = 99,
};

/// Limits of a frame's parts (protocol.md section 1); 0 = no limit.
struct FrameLimits {
  std::size_t content_bytes = 64 << 10;
  std::size_t text_code_points = 20000;
  std::size_t mentions = 200;
  std::size_t presence_users = 200;
};

/// A message as a client asks for it: types 0, 1 and 2.
struct SendFrame {
  MessageId message_id;
  FrameType type = FrameType::kText;
  UserId to;
  GroupId group;
  std::string content;
  std::vector<UserId> mentions;
  bool mention_all = false;
};
/// Types 31 and 37.
struct MarkFrame {
  FrameType type = FrameType::kRead;
  ConversationId conversation;
  std::int64_t seq = 0;
};
struct TypingFrame {
  ConversationId conversation;
  UserId to;
  std::string content;
};
struct PresenceFrame {
  std::vector<UserId> users;
};
struct SyncFrame {};
struct HeartbeatFrame {};

/// What was wrong with a frame, and how to answer it: with an ack (30) when the frame wanted one,
/// with an error frame (34) otherwise.
struct RefusedFrame {
  Error error;
  std::string message_id;
  bool wants_ack = false;
};

/// A stored message, as history and delivery show it.
struct Message {
  MessageId id;
  ConversationId conversation;
  UserId from;
  FrameType type = FrameType::kText;
  std::int64_t seq = 0;
  std::int64_t timestamp = 0;
  std::string content;
};

}  // namespace simpleim::protocol
