#pragma once

#include "service/commit/commit_loop.h"

namespace simpleim::service {

/// One line of a user's conversation list.
struct ConversationView {
  store::ConversationState state;
  std::int64_t last_seq = 0;
  std::int64_t last_timestamp = 0;
  std::optional<Message> last_message;
  std::int64_t unread = 0;
  /// First unread message that mentions the user or everyone; 0: none.
  std::int64_t mentioned_seq = 0;
  /// First seq the user may see.
  std::int64_t visible_from = 1;
  std::optional<store::Group> group;
  /// The user's own membership of the group.
  std::optional<store::GroupMember> member;
  std::optional<store::User> peer;
  /// How far the peer of a private conversation has got.
  std::int64_t peer_read_seq = 0;
  std::int64_t peer_delivered_seq = 0;
};

/// Where a conversation list goes on: by last activity, then by id.
struct ConversationCursor {
  std::int64_t timestamp = 0;
  ConversationId conversation;
};

/// Conversation lists, history and what a client missed. Reads block on the store; thread-safe.
class Conversations {
 public:
  explicit Conversations(store::Store& store) : store_(store) {}

  struct Page {
    std::vector<ConversationView> conversations;
    std::optional<ConversationCursor> next;
  };
  Page list(UserId me, const std::optional<ConversationCursor>& after, std::size_t limit);

  struct Change {
    std::optional<bool> pinned, muted, archived;
    std::optional<std::string> draft;
  };
  /// Told to all devices of the user; `session` is the one that changed it.
  Result<store::ConversationState> update(CommitLoop& commits, UserId me, SessionId session,
                                          ConversationId conversation, const Change& change);

  /// All of a user's conversations with their ends and unread counts, by last activity; no texts.
  std::vector<ConversationView> summary(UserId me);

 private:
  std::vector<ConversationView> ends(UserId me);
  void count(UserId me, ConversationView& view);
  void add_group(UserId me, ConversationView& view);
  void add_peer(UserId me, ConversationView& view);

  store::Store& store_;
};

}  // namespace simpleim::service
