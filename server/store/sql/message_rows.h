#pragma once

#include "store/sql/row_key.h"

/// Rows of the table `message`, wherever it is.
namespace simpleim::store::sql {

#define MESSAGE_COLUMNS                                                                                           \
  "m.key, m.message_id, m.sender_id, m.type, m.timestamp, m.content, m.edited_at, m.recalled_at, m.recalled_by, " \
  "m.version"

/// From a row of MESSAGE_COLUMNS.
Message read_message(Query& query, ConversationId conversation);

/// Those with after < seq < before (0: no bound), at most `limit`: the newest or the oldest of them, ascending.
std::vector<Message> messages_between(Connection& db, std::int64_t conversation_key, ConversationId conversation,
                                      std::int64_t after, std::int64_t before, std::size_t limit, bool newest);
/// The last message that is shown with seq < before (0: no bound).
std::optional<Message> last_shown(Connection& db, std::int64_t conversation_key, ConversationId conversation,
                                  std::int64_t before);
/// Messages that count as unread (message_store.h) with from <= seq < before (0: no bound).
std::int64_t count_unread(Connection& db, std::int64_t conversation_key, UserId reader, std::int64_t from,
                          std::int64_t before);

}  // namespace simpleim::store::sql
