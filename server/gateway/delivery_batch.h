#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gateway/frame_forms.h"
#include "gateway/topic_index.h"
#include "service/events/events.h"

namespace simpleim::gateway {

using service::Origin;

/// One message of a run, as a finished WebSocket frame within DeliveryBatch::bytes.
struct FramedMessage {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  Origin origin;
  std::int64_t seq = 0;
  /// Of an edit in a group: the seq of the message that it shows, and which of DeliveryBatch::bare_entries goes to
  /// those who may not see that message. 0: it may be seen by all.
  std::int64_t edits = 0;
  std::uint32_t bare = 0;
  /// Among the events of the batch; null when only the frame is known (another node committed it).
  const protocol::Message* message = nullptr;
};

/// Messages of one conversation, side by side in DeliveryBatch::bytes.
struct Run {
  base::ConversationId conversation;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool has_edits = false;
};

/// A frame that is not a message (marks, typing, presence): to one topic but `except`.
struct Notice {
  TopicKey topic;
  Origin except;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

/// An ACK or a refusal for one connection.
using Answer = std::variant<service::MessageAccepted, service::MessageRefused, service::SignalRefused>;

/// What one commit brought, serialised and framed once for all I/O threads, as JSON. Read-only once posted.
struct DeliveryBatch {
  using Step = std::variant<Run, Notice, service::MembershipChanged, service::PresenceHidden>;

  std::string bytes;
  std::vector<FramedMessage> messages;
  /// Edits without what they say, as JSON.
  std::vector<std::string> bare_entries;
  std::vector<Step> steps;
  /// By I/O thread.
  std::vector<std::vector<Answer>> answers;
  std::int64_t oldest_ms = 0;
  /// What it was made of; of an event that an answer or a step came of only what that has left.
  std::vector<service::Event> events;

  /// The same frames in other forms; once posted.
  mutable FrameForms forms;
};

/// Frames events for `threads` I/O threads. SessionEnded events are not its business.
std::shared_ptr<DeliveryBatch> make_delivery_batch(std::vector<service::Event>&& events, std::size_t threads,
                                                   std::int64_t now_ms);

}  // namespace simpleim::gateway
