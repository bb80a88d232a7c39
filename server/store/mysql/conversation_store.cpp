#include "store/mysql/conversation_store.h"

#include <algorithm>

namespace simpleim::store::mysql {

void MysqlConversationStore::look_up(const std::vector<std::pair<UserId, ConversationId>>& marks) {
  std::vector<ConversationId> conversations;
  for (const auto& mark : marks) conversations.push_back(mark.second);
  index_.find_keys(conversations);
  std::string list;
  for (const auto& [user, conversation] : marks) {
    if (!known_.emplace(Key{user, conversation}, std::nullopt).second) continue;
    const auto key = index_.find_key(conversation);
    if (key == 0) continue;
    if (!list.empty()) list += ',';
    list += '(' + std::to_string(static_cast<std::int64_t>(user.value)) + ',' + std::to_string(key) + ')';
  }
  if (list.empty()) return;
  auto query = db_.write().text_query(
      "SELECT s.user_id, " STATE_COLUMNS
      " FROM conversation_state s JOIN conversation c ON c.id=s.conversation_id WHERE (s.user_id, s.conversation_id) "
      "IN (" +
      list + ")");
  while (query.step()) {
    const UserId user{query.id()};
    const auto state = read_state(query);
    known_[{user, state.conversation}] = state;
  }
}

std::vector<ListedConversation> MysqlConversationStore::listed(UserId user) {
  std::vector<ListedConversation> found;
  auto db = db_.read();
  auto query =
      db->query("SELECT " STATE_COLUMNS
                ", c.last_seq, c.last_timestamp, ifnull(m.joined_seq, 1) FROM conversation_state s JOIN conversation c "
                "ON c.id=s.conversation_id LEFT JOIN group_member m ON c.low=0 AND m.group_id=c.high AND "
                "m.user_id=s.user_id WHERE s.user_id=? AND (c.low<>0 OR m.user_id IS NOT NULL)");
  query.bind(user.value);
  while (query.step()) {
    ListedConversation listed;
    listed.state = read_state(query);
    listed.tail.last_seq = query.integer();
    listed.tail.last_timestamp = query.integer();
    listed.visible_from = std::max<std::int64_t>(1, query.integer());
    found.push_back(std::move(listed));
  }
  return found;
}

std::optional<ConversationState>* MysqlConversationStore::find(UserId user, ConversationId conversation) {
  if (!db_.in_batch()) return nullptr;
  const auto found = known_.find({user, conversation});
  return found == known_.end() ? nullptr : &found->second;
}

std::optional<ConversationState> MysqlConversationStore::state(UserId user, ConversationId conversation) {
  if (const auto* known = find(user, conversation)) return *known;
  return SqlConversationStore::state(user, conversation);
}

bool MysqlConversationStore::advance_read(UserId user, ConversationId conversation, std::int64_t seq) {
  auto* known = find(user, conversation);
  if (known == nullptr) return SqlConversationStore::advance_read(user, conversation, seq);
  if (!*known || (*known)->read_seq >= seq) return false;
  (*known)->read_seq = seq;
  (*known)->delivered_seq = std::max((*known)->delivered_seq, seq);
  write_read(user, conversation, seq);
  return true;
}

bool MysqlConversationStore::advance_delivered(UserId user, ConversationId conversation, std::int64_t seq) {
  auto* known = find(user, conversation);
  if (known == nullptr) return SqlConversationStore::advance_delivered(user, conversation, seq);
  if (!*known || (*known)->delivered_seq >= seq) return false;
  (*known)->delivered_seq = seq;
  write_delivered(user, conversation, seq);
  return true;
}

void MysqlConversationStore::open(UserId user, ConversationId conversation, std::int64_t seq) {
  forget(user, conversation);
  SqlConversationStore::open(user, conversation, seq);
}

void MysqlConversationStore::remove(UserId user, ConversationId conversation) {
  forget(user, conversation);
  SqlConversationStore::remove(user, conversation);
}

void MysqlConversationStore::update(UserId user, const ConversationState& state) {
  forget(user, state.conversation);
  SqlConversationStore::update(user, state);
}

}  // namespace simpleim::store::mysql
