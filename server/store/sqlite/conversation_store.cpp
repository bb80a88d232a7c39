#include "store/sqlite/conversation_store.h"

namespace simpleim::store::sqlite {
namespace {

#define STATE_COLUMNS "c.low, c.high, s.read_seq, s.delivered_seq, s.pinned, s.muted, s.archived, s.draft"

ConversationState read_state(Query& q) {
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

}  // namespace

std::vector<ConversationState> SqliteConversationStore::states_of(UserId user) {
  std::vector<ConversationState> found;
  auto db = db_.read();
  auto query = db->query("SELECT " STATE_COLUMNS
                         " FROM conversation_state s JOIN conversation c ON c.id=s.conversation_id WHERE s.user_id=?");
  query.bind(user.value);
  while (query.step()) found.push_back(read_state(query));
  return found;
}

std::optional<ConversationState> SqliteConversationStore::state(UserId user, ConversationId conversation) {
  auto db = db_.read();
  auto query = db->query("SELECT " STATE_COLUMNS
                         " FROM conversation c JOIN conversation_state s ON s.conversation_id=c.id AND s.user_id=? "
                         "WHERE c.high=? AND c.low=?");
  if (!query.bind(user.value).bind(conversation.high).bind(conversation.low).step()) return std::nullopt;
  return read_state(query);
}

void SqliteConversationStore::open(UserId user, ConversationId conversation, std::int64_t seq) {
  db_.write()
      .query(
          "INSERT OR IGNORE INTO conversation_state(user_id, conversation_id, read_seq, delivered_seq) VALUES(?, ?, ?, "
          "?)")
      .bind(user.value)
      .bind(index_.open(conversation).key)
      .bind(seq)
      .bind(seq)
      .run();
}

void SqliteConversationStore::remove(UserId user, ConversationId conversation) {
  db_.write()
      .query("DELETE FROM conversation_state WHERE user_id=? AND conversation_id=?")
      .bind(user.value)
      .bind(index_.open(conversation).key)
      .run();
}

bool SqliteConversationStore::advance_read(UserId user, ConversationId conversation, std::int64_t seq) {
  auto& db = db_.write();
  db.query(
        "UPDATE conversation_state SET read_seq=?3, delivered_seq=max(delivered_seq, ?3) WHERE user_id=?1 AND "
        "conversation_id=?2 AND read_seq < ?3")
      .bind(user.value)
      .bind(index_.open(conversation).key)
      .bind(seq)
      .run();
  return db.changes() == 1;
}

bool SqliteConversationStore::advance_delivered(UserId user, ConversationId conversation, std::int64_t seq) {
  auto& db = db_.write();
  db.query(
        "UPDATE conversation_state SET delivered_seq=?3 WHERE user_id=?1 AND conversation_id=?2 AND delivered_seq < ?3")
      .bind(user.value)
      .bind(index_.open(conversation).key)
      .bind(seq)
      .run();
  return db.changes() == 1;
}

std::vector<ReadMark> SqliteConversationStore::read_marks(GroupId group) {
  const auto conversation = ConversationId::of(group);
  std::vector<ReadMark> marks;
  auto db = db_.read();
  auto query = db->query(
      "SELECT m.user_id, m.joined_seq, s.read_seq FROM conversation c JOIN group_member m ON m.group_id=?1 JOIN "
      "conversation_state s ON s.user_id=m.user_id AND s.conversation_id=c.id WHERE c.high=?2 AND c.low=?3");
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

void SqliteConversationStore::update(UserId user, const ConversationState& s) {
  db_.write()
      .query(
          "UPDATE conversation_state SET pinned=?, muted=?, archived=?, draft=? WHERE user_id=? AND conversation_id=?")
      .bind(s.pinned)
      .bind(s.muted)
      .bind(s.archived)
      .bind(std::string_view(s.draft))
      .bind(user.value)
      .bind(index_.open(s.conversation).key)
      .run();
}

}  // namespace simpleim::store::sqlite
