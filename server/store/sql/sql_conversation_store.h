#pragma once

#include "store/conversation_store.h"
#include "store/sql/row_key.h"

/// The columns read_state() reads: conversation c joined with conversation_state s.
#define STATE_COLUMNS "c.low, c.high, s.read_seq, s.delivered_seq, s.pinned, s.muted, s.archived, s.draft"

namespace simpleim::store::sql {

class SqlConversationStore : public ConversationStore {
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

 protected:
  /// From a row that goes on with STATE_COLUMNS.
  static ConversationState read_state(Query& query);
  void write_read(UserId user, ConversationId conversation, std::int64_t seq);
  void write_delivered(UserId user, ConversationId conversation, std::int64_t seq);

 private:
  Database& db_;
  ConversationKeys& keys_;
};

}  // namespace simpleim::store::sql
