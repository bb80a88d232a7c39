#pragma once

#include "store/sql/database.h"

namespace simpleim::store::sql {

/// Messages, and all that belongs to one, have the key conversation.id << 32 | seq.
inline constexpr std::int64_t kSeqMask = 0xffffffff;

inline std::int64_t row_key(std::int64_t conversation_key, std::int64_t seq) { return conversation_key << 32 | seq; }

/// conversation.id; 0 when the database does not know the conversation.
inline std::int64_t key_of(Connection& db, ConversationId conversation) {
  auto query = db.query("SELECT id FROM conversation WHERE high=? AND low=?");
  return query.bind(conversation.high).bind(conversation.low).step() ? query.integer() : 0;
}

/// conversation.id for writers.
class ConversationKeys {
 public:
  virtual ~ConversationKeys() = default;
  /// Of a row that is made when there is none. Only inside a batch.
  virtual std::int64_t key(ConversationId conversation) = 0;
};

}  // namespace simpleim::store::sql
