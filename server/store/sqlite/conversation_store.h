#pragma once

#include "store/conversation_store.h"
#include "store/sqlite/conversation_index.h"

namespace simpleim::store::sqlite {

class SqliteConversationStore final : public ConversationStore {
 public:
  SqliteConversationStore(Database& db, ConversationIndex& index) : db_(db), index_(index) {}

  std::vector<ConversationState> states_of(UserId user) override;
  std::optional<ConversationState> state(UserId user, ConversationId conversation) override;
  void open(UserId user, ConversationId conversation, std::int64_t seq) override;
  void remove(UserId user, ConversationId conversation) override;
  bool advance_read(UserId user, ConversationId conversation, std::int64_t seq) override;
  bool advance_delivered(UserId user, ConversationId conversation, std::int64_t seq) override;
  std::vector<ReadMark> read_marks(GroupId group) override;
  void update(UserId user, const ConversationState& state) override;

 private:
  Database& db_;
  ConversationIndex& index_;
};

}  // namespace simpleim::store::sqlite
