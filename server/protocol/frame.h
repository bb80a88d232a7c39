#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "protocol/error.h"
#include "protocol/frame_type.h"

namespace simpleim::protocol {

using base::ConversationId;
using base::FileId;
using base::GroupId;
using base::MessageId;
using base::UserId;

/// Limits of a frame's parts (protocol.md section 1); 0 = no limit.
struct FrameLimits {
  /// Settings limits.content_bytes and limits.text_code_points.
  std::size_t content_bytes = 0;
  std::size_t text_code_points = 0;
  std::size_t mentions = 200;
  std::size_t presence_users = 200;
  /// Messages that one merged forward may carry.
  std::size_t merged = 100;
};

/// A message as a client asks for it: types 0 to 2 and 4 to 7.
struct SendFrame {
  MessageId message_id;
  FrameType type = FrameType::kText;
  UserId to;
  GroupId group;
  /// Types 4 to 7 and merged forwards: what the client says without what the server knows better.
  std::string content;
  std::vector<UserId> mentions;
  bool mention_all = false;
  FileId file = {};
  /// Not empty: a merged forward, one message that shows these as they are now (docs/decisions/0012).
  std::vector<MessageId> merged = {};

  bool operator==(const SendFrame&) const = default;
};
/// Types 32, 35, 36 and 39: something done to an earlier message. It stands in its conversation with a seq of its
/// own, like a message, so that it reaches those who were away as messages do (docs/decisions/0008).
struct OperationFrame {
  MessageId message_id;
  FrameType type = FrameType::kRecall;
  MessageId target;
  /// Edit: the new content, and whom it mentions.
  std::string content;
  std::vector<UserId> mentions;
  bool mention_all = false;
  /// Reaction.
  std::string emoji;
  /// Reaction: add (else take back). Pin: pin (else unpin).
  bool on = true;
};
/// Types 31 and 37.
struct MarkFrame {
  FrameType type = FrameType::kRead;
  ConversationId conversation;
  std::int64_t seq = 0;
};
/// Types 40 to 45: WebRTC signalling between two users; relayed, not stored.
struct CallFrame {
  FrameType type = FrameType::kCallInvite;
  MessageId call;
  /// 0 when the client did not say; then the call is known.
  UserId to;
  bool video = false;
  /// The whole content, as it came.
  std::string content;
};
struct TypingFrame {
  ConversationId conversation;
  UserId to;
};
struct PresenceFrame {
  std::vector<UserId> users;
};
struct SyncFrame {};
/// Type 61: a request of the REST part, asked over the socket.
struct QueryFrame {
  /// The client's, 1 to 64 characters; the answer carries it.
  std::string ref;
  std::string method;
  /// With its query.
  std::string path;
  /// JSON; empty: none.
  std::string body;
};
struct HeartbeatFrame {};

/// What was wrong with a frame, and how to answer it: with an ack (30) when the frame wanted one,
/// with an error frame (34) otherwise.
struct RefusedFrame {
  Error error;
  std::string message_id;
  bool wants_ack = false;
};

/// What operations did to a message since it was stored.
struct Amendment {
  /// ms since the epoch; 0: never.
  std::int64_t edited_at = 0;
  std::int64_t recalled_at = 0;
  UserId recalled_by;
  /// seq of the last edit or recall; whoever has applied that one has this state.
  std::int64_t version = 0;
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
  Amendment amendment = {};
};

}  // namespace simpleim::protocol
