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

/// A place in a conversation: behind the message with this seq.
struct MessagePlace {
  ConversationId conversation;
  std::int64_t seq = 0;
};

struct HistoryPage {
  /// Ascending seq, whichever way the query went.
  std::vector<Message> messages;
  bool has_more = false;
};

/// One emoji under one message.
struct Reaction {
  std::int64_t seq = 0;
  std::string emoji;
  std::int64_t count = 0;
  /// Those who reacted first, at most kReactionUsers.
  std::vector<UserId> users;
  /// The reader is among them.
  bool mine = false;
};
inline constexpr std::size_t kReactionUsers = 10;

/// What an edited message said before.
struct MessageVersion {
  std::string content;
  /// When it was written.
  std::int64_t timestamp = 0;
  /// seq of the edit that replaced it.
  std::int64_t replaced_by = 0;
};

struct PinnedMessage {
  std::int64_t seq = 0;
  UserId by;
  std::int64_t at = 0;
};

/// Where a conversation ends.
struct ConversationTail {
  std::int64_t last_seq = 0;
  /// Of the last message that is shown (operations have a seq, too).
  std::int64_t last_timestamp = 0;
};

/// A conversation and its last seq; `position` is where to go on from.
struct ConversationEnd {
  std::uint64_t position = 0;
  ConversationId conversation;
  std::int64_t last_seq = 0;
};

/// Messages in their conversations. Threads, durability and failures as in AccountStore.
/// A reader never sees a message of a batch that is not durable yet, and never sees seq n+1
/// without n (promise P3).
class MessageStore {
 public:
  virtual ~MessageStore() = default;

  /// Assigns the next seq of `message.conversation` (ignoring message.seq) and stores the message
  /// with `message.timestamp`, or that of the message before it when that is later (the clock was set back); `mentions`
  /// become findable through first_mention (UserId{0}: everyone). Idempotent by (from, id) forever.
  virtual Appended append(const Message& message, const std::vector<UserId>& mentions) = 0;

  /// What append() would answer to a message that was stored before; nothing for a new one.
  virtual std::optional<Appended> find_earlier(const MessageId& id, UserId from) = 0;

  // What operations do to the message `target` (its conversation and seq), in the batch of the operation.
  /// Replaces its content and amendment.
  virtual void amend(const Message& target) = 0;
  /// Keeps what the edit with seq `version.replaced_by` replaces. Oldest first in versions().
  virtual void keep_version(const Message& target, const MessageVersion& version) = 0;
  virtual std::vector<MessageVersion> versions(const Message& target) = 0;
  /// Makes `mentions` findable for it, too.
  virtual void add_mentions(const Message& target, const std::vector<UserId>& mentions) = 0;
  /// Forgets its former versions, mentions, reactions and pin.
  virtual void forget_traces(const Message& target) = 0;
  /// How many react to it with this emoji now; `on`: `user` does, too.
  virtual std::int64_t react(const Message& target, UserId user, std::string_view emoji, bool on) = 0;
  /// Different emoji under it.
  virtual std::size_t emoji_count(const Message& target) = 0;
  virtual void pin(const Message& target, UserId by, std::int64_t at, bool on) = 0;

  /// Of the messages with from <= seq <= to, by seq and then by age.
  virtual std::vector<Reaction> reactions(ConversationId conversation, std::int64_t from, std::int64_t to,
                                          UserId reader) = 0;
  /// Who reacts to it with this emoji, in order of their ids from after `after`.
  virtual std::vector<UserId> reacting(const Message& target, std::string_view emoji, UserId after,
                                       std::size_t limit) = 0;
  /// Newest pin first.
  virtual std::vector<PinnedMessage> pins(ConversationId conversation) = 0;

  virtual HistoryPage history(const HistoryQuery& query) = 0;
  /// Of each place the oldest `limit` messages behind it, in this order: history() of some dozens of conversations at
  /// once, each of which comes only once. Outside batches.
  virtual std::vector<HistoryPage> pages(const std::vector<MessagePlace>& places, std::size_t limit);
  /// A message by its id, whoever asks; on the batch's thread also one of the batch.
  virtual std::optional<Message> find(const MessageId& id) = 0;
  /// All conversations, from after `position` (0: the first), at most `limit`.
  virtual std::vector<ConversationEnd> conversation_ends(std::uint64_t position, std::size_t limit) = 0;
  /// Zeros for a conversation without messages.
  virtual ConversationTail tail(ConversationId conversation) = 0;
  /// The last one that is shown.
  virtual std::optional<Message> last_message(ConversationId conversation) = 0;
  /// How far unread messages are counted: more are as many.
  static constexpr std::int64_t kMostUnread = 1000;
  /// Messages after `read_seq` that count as unread for `reader`: of others, types 0–7 but 3, not recalled; at most
  /// kMostUnread.
  virtual std::int64_t unread(ConversationId conversation, UserId reader, std::int64_t read_seq) = 0;
  /// The first message after `read_seq` that mentions `reader` or everyone; 0 when none does.
  virtual std::int64_t first_mention(ConversationId conversation, UserId reader, std::int64_t read_seq) = 0;
};

}  // namespace simpleim::store
