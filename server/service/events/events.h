#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "protocol/frame.h"
#include "protocol/frame_writer.h"

/// What use cases tell whoever delivers. Events leave the service only when the batch that caused
/// them is durable, in the order of the commits.
namespace simpleim::service {

using base::ConversationId;
using base::FileId;
using base::GroupId;
using base::MessageId;
using base::SessionId;
using base::UserId;
using protocol::Error;
using protocol::ErrorCode;
using protocol::Message;
using protocol::Result;

/// The connection a command came from; opaque here. connection 0: none.
struct Origin {
  std::uint32_t thread = 0;
  std::uint64_t connection = 0;
};

/// A message or operation for everyone in its conversation but `origin`.
struct MessageStored {
  Message message;
  Origin origin;
};
/// To `origin` only: its message is durable (now, or since an earlier try).
struct MessageAccepted {
  Origin origin;
  UserId to;
  MessageId id;
  ConversationId conversation;
  std::int64_t seq = 0;
  std::int64_t timestamp = 0;
};
struct MessageRefused {
  Origin origin;
  UserId to;
  MessageId id;
  Error error;
};
/// `user` hears the group from now on, or no longer.
struct MembershipChanged {
  GroupId group;
  UserId user;
  bool member = false;
  /// The first seq that he may see.
  std::int64_t visible_from = 1;
};
/// A read (31) or delivered (37) mark moved: for the reader's other devices and, private, the peer.
struct MarkMoved {
  protocol::MarkFrame mark;
  UserId user;
  Origin origin;
};
struct Typing {
  ConversationId conversation;
  UserId user;
  Origin origin;
};
/// A signal of a call (types 40 to 45): for all devices of `to`, and for those of `from` but `origin`, which stop
/// ringing.
struct CallSignalled {
  protocol::FrameType type;
  std::string content;
  UserId from;
  UserId to;
  Origin origin;
};
/// A frame 34 for `origin`: what it asked for by a frame without an ACK was refused.
struct SignalRefused {
  Origin origin;
  std::string ref;
  Error error;
};
/// A user changed his settings of a conversation: for all his devices.
struct ConversationChanged {
  UserId user;
  protocol::ConversationSettings settings;
};
/// A user wants to be seen offline from now on, or as he is again.
struct PresenceHidden {
  UserId user;
  bool hidden = false;
};
/// The session's connections end.
struct SessionEnded {
  UserId user;
  SessionId session;
};

using Event = std::variant<MessageStored, MessageAccepted, MessageRefused, MembershipChanged, MarkMoved, Typing,
                           ConversationChanged, CallSignalled, SignalRefused, PresenceHidden, SessionEnded>;

/// Implemented by the gateway. Called on the commit thread; must not block.
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// `oldest_ms`: steady time at which the oldest message of the batch arrived, 0 without messages.
  virtual void deliver(std::vector<Event>&& events, std::int64_t oldest_ms) = 0;
};

}  // namespace simpleim::service
