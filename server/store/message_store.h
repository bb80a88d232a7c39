#pragma once

#include "store/records.h"

namespace simpleim::store {

enum class AppendStatus : std::uint8_t {
  kStored,
  /// This sender stored this id before: `conversation`, `seq` and `timestamp` are the first ones'.
  kDuplicate,
  /// Another sender has the id.
  kIdInUse,
};

struct Appended {
  AppendStatus status = AppendStatus::kStored;
  ConversationId conversation;
  std::int64_t seq = 0;
  std::int64_t timestamp = 0;
};

/// Which part of a conversation to read. The range is always within `visible_from` and the newest.
struct HistoryQuery {
  ConversationId conversation;
  /// The first seq the reader may see.
  std::int64_t visible_from = 1;
  /// Newest `limit` messages with seq < before (0 = the newest of all)…
  std::int64_t before = 0;
  /// …or, when not negative, the oldest `limit` messages with seq > after.
  std::int64_t after = -1;
  std::size_t limit = 50;
};

struct HistoryPage {
  /// Ascending seq, whichever way the query went.
  std::vector<Message> messages;
  bool has_more = false;
};

/// Where a conversation ends.
struct ConversationTail {
  std::int64_t last_seq = 0;
  std::int64_t last_timestamp = 0;
};

/// Messages in their conversations. Threads, durability and failures as in AccountStore.
/// A reader never sees a message of a batch that is not durable yet, and never sees seq n+1
/// without n (promise P3).
class MessageStore {
 public:
  virtual ~MessageStore() = default;

  /// Assigns the next seq of `message.conversation` (ignoring message.seq) and stores the message
  /// with `message.timestamp`; `mentions` become findable through first_mention (UserId{0}:
  /// everyone). Idempotent by (from, id) forever.
  virtual Appended append(const Message& message, const std::vector<UserId>& mentions) = 0;

  virtual HistoryPage history(const HistoryQuery& query) = 0;
  /// A message by its id, whoever asks.
  virtual std::optional<Message> find(const MessageId& id) = 0;
  /// Zeros for a conversation without messages.
  virtual ConversationTail tail(ConversationId conversation) = 0;
  virtual std::optional<Message> last_message(ConversationId conversation) = 0;
  /// Messages after `read_seq` that count as unread for `reader`: of others, types 0–7 but 3.
  virtual std::int64_t unread(ConversationId conversation, UserId reader, std::int64_t read_seq) = 0;
  /// The first message after `read_seq` that mentions `reader` or everyone; 0 when none does.
  virtual std::int64_t first_mention(ConversationId conversation, UserId reader, std::int64_t read_seq) = 0;
};

}  // namespace simpleim::store
