#include "store/sql/sql_conversation_store.h"

namespace simpleim::store::sql {
ConversationState SqlConversationStore::read_state(Query& q) {
  ConversationState s;
  s.conversation.low = q.id();
  s.conversation.high = q.id();
  s.read_seq = q.integer();
  s.delivered_seq = q.integer();
  s.pinned = q.flag();
  s.muted = q.flag();
  s.archived = q.flag();
  s.draft = q.text();
  return s;
}

std::vector<ConversationState> SqlConversationStore::states_of(UserId user) {
  std::vector<ConversationState> found;
  auto db = db_.read();
  auto query = db->query("SELECT " STATE_COLUMNS
                         " FROM conversation_state s JOIN conversation c ON c.id=s.conversation_id WHERE s.user_id=?");
  query.bind(user.value);
  while (query.step()) found.push_back(read_state(query));
  return found;
}

std::optional<ConversationState> SqlConversationStore::state(UserId user, ConversationId conversation) {
  auto db = db_.read();
  auto query = db->query("SELECT " STATE_COLUMNS
                         " FROM conversation c JOIN conversation_state s ON s.conversation_id=c.id AND s.user_id=? "
                         "WHERE c.high=? AND c.low=?");
  if (!query.bind(user.value).bind(conversation.high).bind(conversation.low).step()) return std::nullopt;
  return read_state(query);
}

void SqlConversationStore::open(UserId user, ConversationId conversation, std::int64_t seq) {
  db_.write()
      .query(
          "INSERT OR IGNORE INTO conversation_state(user_id, conversation_id, read_seq, delivered_seq) VALUES(?, ?, ?, "
          "?)")
      .bind(user.value)
      .bind(keys_.key(conversation))
      .bind(seq)
      .bind(seq)
      .run();
}

void SqlConversationStore::remove(UserId user, ConversationId conversation) {
  db_.write()
      .query("DELETE FROM conversation_state WHERE user_id=? AND conversation_id=?")
      .bind(user.value)
      .bind(keys_.key(conversation))
      .run();
}

void SqlConversationStore::write_read(UserId user, ConversationId conversation, std::int64_t seq) {
  db_.write()
      .query(
          "UPDATE conversation_state SET read_seq=?, delivered_seq=CASE WHEN delivered_seq < ? THEN ? ELSE "
          "delivered_seq END WHERE user_id=? AND conversation_id=? AND read_seq < ?")
      .bind(seq)
      .bind(seq)
      .bind(seq)
      .bind(user.value)
      .bind(keys_.key(conversation))
      .bind(seq)
      .run();
}

void SqlConversationStore::write_delivered(UserId user, ConversationId conversation, std::int64_t seq) {
  db_.write()
      .query(
          "UPDATE conversation_state SET delivered_seq=? WHERE user_id=? AND conversation_id=? AND delivered_seq < ?")
      .bind(seq)
      .bind(user.value)
      .bind(keys_.key(conversation))
      .bind(seq)
      .run();
}

bool SqlConversationStore::advance_read(UserId user, ConversationId conversation, std::int64_t seq) {
  write_read(user, conversation, seq);
  return db_.write().changes() == 1;
}

bool SqlConversationStore::advance_delivered(UserId user, ConversationId conversation, std::int64_t seq) {
  write_delivered(user, conversation, seq);
  return db_.write().changes() == 1;
}

std::vector<ReadMark> SqlConversationStore::read_marks(GroupId group) {
  const auto conversation = ConversationId::of(group);
  std::vector<ReadMark> marks;
  auto db = db_.read();
  auto query = db->query(
      "SELECT m.user_id, m.joined_seq, s.read_seq FROM conversation c JOIN group_member m ON m.group_id=? JOIN "
      "conversation_state s ON s.user_id=m.user_id AND s.conversation_id=c.id WHERE c.high=? AND c.low=?");
  query.bind(group.value).bind(conversation.high).bind(conversation.low);
  while (query.step()) {
    ReadMark mark;
    mark.user = UserId{query.id()};
    mark.visible_from = query.integer();
    mark.read_seq = query.integer();
    marks.push_back(mark);
  }
  return marks;
}

void SqlConversationStore::update(UserId user, const ConversationState& s) {
  db_.write()
      .query(
          "UPDATE conversation_state SET pinned=?, muted=?, archived=?, draft=? WHERE user_id=? AND conversation_id=?")
      .bind(s.pinned)
      .bind(s.muted)
      .bind(s.archived)
      .bind(std::string_view(s.draft))
      .bind(user.value)
      .bind(keys_.key(s.conversation))
      .run();
}

}  // namespace simpleim::store::sql
