#include "store/sql/message_rows.h"

#include <algorithm>

#include "store/sql/packed_id.h"

namespace simpleim::store::sql {
namespace {

std::int64_t last_key(std::int64_t conversation_key, std::int64_t before) {
  return row_key(conversation_key, before == 0 ? kSeqMask : before - 1);
}

}  // namespace

Message read_message(Query& query, ConversationId conversation) {
  Message m;
  m.conversation = conversation;
  m.seq = query.integer() & kSeqMask;
  m.id = MessageId::parse(unpack_message_id(query.bytes())).value_or(MessageId());
  m.from = UserId{query.id()};
  m.type = static_cast<protocol::FrameType>(query.integer());
  m.timestamp = query.integer();
  m.content = query.text();
  m.amendment.edited_at = query.integer();
  m.amendment.recalled_at = query.integer();
  m.amendment.recalled_by = UserId{query.id()};
  m.amendment.version = query.integer();
  return m;
}

std::vector<Message> messages_between(Connection& db, std::int64_t conversation_key, ConversationId conversation,
                                      std::int64_t after, std::int64_t before, std::size_t limit, bool newest) {
  std::vector<Message> found;
  if (conversation_key == 0 || limit == 0) return found;
  auto query = db.query(
      newest ? "SELECT " MESSAGE_COLUMNS " FROM message m WHERE m.key BETWEEN ? AND ? ORDER BY m.key DESC LIMIT ?"
             : "SELECT " MESSAGE_COLUMNS " FROM message m WHERE m.key BETWEEN ? AND ? ORDER BY m.key LIMIT ?");
  query.bind(row_key(conversation_key, after + 1)).bind(last_key(conversation_key, before));
  query.bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(read_message(query, conversation));
  if (newest) std::reverse(found.begin(), found.end());
  return found;
}

std::optional<Message> last_shown(Connection& db, std::int64_t conversation_key, ConversationId conversation,
                                  std::int64_t before) {
  static const auto sql = "SELECT " MESSAGE_COLUMNS " FROM message m WHERE m.key BETWEEN ? AND ? AND m.type IN (" +
                          protocol::type_list(protocol::is_shown) + ") ORDER BY m.key DESC LIMIT 1";
  auto query = db.query(sql.c_str());
  query.bind(row_key(conversation_key, 0)).bind(last_key(conversation_key, before));
  if (!query.step()) return std::nullopt;
  return read_message(query, conversation);
}

std::int64_t count_unread(Connection& db, std::int64_t conversation_key, UserId reader, std::int64_t from,
                          std::int64_t before) {
  static const auto sql =
      "SELECT count(*) FROM (SELECT 1 FROM message m WHERE m.key BETWEEN ? AND ? AND m.sender_id <> ? AND m.type IN (" +
      protocol::type_list(protocol::is_counted) + ") AND ifnull(m.recalled_at, 0)=0 LIMIT " +
      std::to_string(MessageStore::kMostUnread) + ") AS counted";
  auto query = db.query(sql.c_str());
  query.bind(row_key(conversation_key, from)).bind(last_key(conversation_key, before)).bind(reader.value);
  return query.step() ? query.integer() : 0;
}

}  // namespace simpleim::store::sql
