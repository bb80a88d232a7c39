#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "store/mysql/conversation_index.h"
#include "store/sql/sql_conversation_store.h"
#include "store/store.h"

namespace simpleim::store::mysql {

/// Lists of conversations; the marks of a batch are read at once and written together.
class MysqlConversationStore final : public sql::SqlConversationStore {
 public:
  MysqlConversationStore(Database& db, ConversationIndex& index)
      : SqlConversationStore(db, index), db_(db), index_(index) {}

  /// Store::listed in one question: the row of a conversation says where it ends.
  std::vector<ListedConversation> listed(UserId user);
  std::optional<ConversationState> state(UserId user, ConversationId conversation) override;
  void open(UserId user, ConversationId conversation, std::int64_t seq) override;
  void remove(UserId user, ConversationId conversation) override;
  bool advance_read(UserId user, ConversationId conversation, std::int64_t seq) override;
  bool advance_delivered(UserId user, ConversationId conversation, std::int64_t seq) override;
  void update(UserId user, const ConversationState& state) override;

  // --- called by MysqlStore on the batch's thread ---
  /// Reads these states for the batch.
  void look_up(const std::vector<std::pair<UserId, ConversationId>>& marks);
  void end_batch() { known_.clear(); }

 private:
  struct Key {
    UserId user;
    ConversationId conversation;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return base::IdHash()(key.conversation) * 31 + base::IdHash()(key.user);
    }
  };
  /// Null: not looked up, or not to be relied on.
  std::optional<ConversationState>* find(UserId user, ConversationId conversation);
  void forget(UserId user, ConversationId conversation) { known_.erase({user, conversation}); }

  Database& db_;
  ConversationIndex& index_;
  /// Of the batch; nothing: the conversation is not in the user's list.
  boost::unordered_flat_map<Key, std::optional<ConversationState>, KeyHash> known_;
};

}  // namespace simpleim::store::mysql
