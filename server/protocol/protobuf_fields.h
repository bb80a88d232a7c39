#pragma once

#include <string_view>

#define PROTOZERO_USE_VIEW std::string_view
#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_message.hpp>

/// The field numbers of proto/simpleim.proto. Inside protocol only.
namespace simpleim::protocol::proto {

enum class Frame : protozero::pbf_tag_type {
  kType = 1,
  kMessageId = 2,
  kFrom = 3,
  kTo = 4,
  kGroupId = 5,
  kSeq = 6,
  kTimestamp = 7,
  kConversationId = 8,
  kAmendment = 9,
  kJson = 10,
  kText = 11,
  kAck = 12,
  kRefusal = 13,
  kMark = 14,
  kTyping = 15,
  kPresence = 16,
  kSync = 17,
  kHeartbeat = 18,
};
enum class Amendment : protozero::pbf_tag_type { kVersion = 1, kEditedAt = 2, kRecalledAt = 3, kRecalledBy = 4 };
enum class Text : protozero::pbf_tag_type { kText = 1, kAtUserIds = 2, kReplyTo = 3 };
/// An Ack and a Mark are the same.
enum class Place : protozero::pbf_tag_type { kConversationId = 1, kSeq = 2 };
enum class Refusal : protozero::pbf_tag_type { kCode = 1, kError = 2, kRetryAfterMs = 3, kRef = 4 };
enum class Typing : protozero::pbf_tag_type { kConversationId = 1 };
enum class Presence : protozero::pbf_tag_type { kUserId = 1, kOnline = 2, kLastSeen = 3 };
enum class Sync : protozero::pbf_tag_type { kConversations = 1, kHasMore = 2 };
enum class SyncConversation : protozero::pbf_tag_type {
  kConversationId = 1,
  kLastSeq = 2,
  kReadSeq = 3,
  kUnread = 4,
  kMentionedSeq = 5
};
enum class Heartbeat : protozero::pbf_tag_type { kTimestamp = 1 };

}  // namespace simpleim::protocol::proto
