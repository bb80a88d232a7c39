#pragma once

#include "store/conversation_store.h"
#include "store/sql/row_key.h"

namespace simpleim::store::sql {

class SqlConversationStore final : public ConversationStore {
 public:
  SqlConversationStore(Database& db, ConversationKeys& keys) : db_(db), keys_(keys) {}

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
  ConversationKeys& keys_;
};

}  // namespace simpleim::store::sql
