#include "store/sql/sql_message_store.h"

#include "store/sql/row_key.h"

namespace simpleim::store::sql {

void SqlMessageStore::keep_version(const Message& target, const MessageVersion& version) {
  db_.write()
      .query("INSERT INTO message_version VALUES(?, ?, ?, ?)")
      .bind(row_key(keys_.key(target.conversation), target.seq))
      .bind(version.replaced_by)
      .bind(version.timestamp)
      .bind(std::string_view(version.content))
      .run();
}

std::vector<MessageVersion> SqlMessageStore::versions(const Message& target) {
  std::vector<MessageVersion> found;
  auto db = db_.read();
  const auto key = key_of(*db, target.conversation);
  auto query = db->query("SELECT content, timestamp, version FROM message_version v WHERE v.key=? ORDER BY version");
  query.bind(row_key(key, target.seq));
  while (query.step()) {
    MessageVersion version;
    version.content = query.text();
    version.timestamp = query.integer();
    version.replaced_by = query.integer();
    found.push_back(std::move(version));
  }
  return found;
}

void SqlMessageStore::add_mentions(const Message& target, const std::vector<UserId>& mentions) {
  const auto key = keys_.key(target.conversation);
  for (const auto user : mentions)
    db_.write()
        .query("INSERT OR IGNORE INTO mention(conversation_id, user_id, seq, sender_id) VALUES(?, ?, ?, ?)")
        .bind(key)
        .bind(user.value)
        .bind(target.seq)
        .bind(target.from.value)
        .run();
}

void SqlMessageStore::forget_traces(const Message& target) {
  auto& db = db_.write();
  const auto conversation_key = keys_.key(target.conversation);
  const auto key = row_key(conversation_key, target.seq);
  db.query("DELETE FROM message_version WHERE message_version.key=?").bind(key).run();
  db.query("DELETE FROM reaction WHERE reaction.key=?").bind(key).run();
  db.query("DELETE FROM pin WHERE pin.key=?").bind(key).run();
  db.query("DELETE FROM mention WHERE conversation_id=? AND seq=?").bind(conversation_key).bind(target.seq).run();
}

std::int64_t SqlMessageStore::react(const Message& target, UserId user, std::string_view emoji, bool on) {
  auto& db = db_.write();
  const auto key = row_key(keys_.key(target.conversation), target.seq);
  db.query(on ? "INSERT OR IGNORE INTO reaction VALUES(?, ?, ?)"
              : "DELETE FROM reaction WHERE reaction.key=? AND emoji=? AND user_id=?")
      .bind(key)
      .bind(emoji)
      .bind(user.value)
      .run();
  auto count = db.query("SELECT count(*) FROM reaction r WHERE r.key=? AND emoji=?");
  return count.bind(key).bind(emoji).step() ? count.integer() : 0;
}

std::size_t SqlMessageStore::emoji_count(const Message& target) {
  auto db = db_.read();
  const auto key = key_of(*db, target.conversation);
  auto query = db->query("SELECT count(DISTINCT emoji) FROM reaction r WHERE r.key=?");
  return query.bind(row_key(key, target.seq)).step() ? static_cast<std::size_t>(query.integer()) : 0;
}

void SqlMessageStore::pin(const Message& target, UserId by, std::int64_t at, bool on) {
  auto& db = db_.write();
  const auto key = row_key(keys_.key(target.conversation), target.seq);
  if (!on) return db.query("DELETE FROM pin WHERE pin.key=?").bind(key).run();
  db.query("INSERT OR REPLACE INTO pin VALUES(?, ?, ?)").bind(key).bind(by.value).bind(at).run();
}

std::vector<Reaction> SqlMessageStore::reactions(ConversationId conversation, std::int64_t from, std::int64_t to,
                                                 UserId reader) {
  std::vector<Reaction> found;
  auto db = db_.read();
  const auto key = key_of(*db, conversation);
  if (key == 0) return found;
  auto query = db->query(
      "SELECT r.key, emoji, user_id FROM reaction r WHERE r.key BETWEEN ? AND ? ORDER BY r.key, emoji, user_id");
  query.bind(row_key(key, from)).bind(row_key(key, to));
  while (query.step()) {
    const auto seq = query.integer() & kSeqMask;
    const auto emoji = query.bytes();
    if (found.empty() || found.back().seq != seq || found.back().emoji != emoji)
      found.push_back({seq, std::string(emoji), 0, {}, false});
    auto& reaction = found.back();
    const UserId user{query.id()};
    ++reaction.count;
    if (reaction.users.size() < kReactionUsers) reaction.users.push_back(user);
    reaction.mine = reaction.mine || user == reader;
  }
  return found;
}

std::vector<UserId> SqlMessageStore::reacting(const Message& target, std::string_view emoji, UserId after,
                                              std::size_t limit) {
  std::vector<UserId> found;
  auto db = db_.read();
  const auto key = key_of(*db, target.conversation);
  auto query =
      db->query("SELECT user_id FROM reaction r WHERE r.key=? AND emoji=? AND user_id > ? ORDER BY user_id LIMIT ?");
  query.bind(row_key(key, target.seq)).bind(emoji).bind(after.value).bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(UserId{query.id()});
  return found;
}

std::vector<PinnedMessage> SqlMessageStore::pins(ConversationId conversation) {
  std::vector<PinnedMessage> found;
  auto db = db_.read();
  const auto key = key_of(*db, conversation);
  if (key == 0) return found;
  auto query = db->query(
      "SELECT p.key, user_id, timestamp FROM pin p WHERE p.key BETWEEN ? AND ? ORDER BY timestamp DESC, p.key DESC");
  query.bind(row_key(key, 0)).bind(row_key(key, kSeqMask));
  while (query.step()) {
    PinnedMessage pin;
    pin.seq = query.integer() & kSeqMask;
    pin.by = UserId{query.id()};
    pin.at = query.integer();
    found.push_back(pin);
  }
  return found;
}

std::int64_t SqlMessageStore::first_mention(ConversationId conversation, UserId reader, std::int64_t read_seq) {
  auto db = db_.read();
  auto query = db->query(
      "SELECT min(m.seq) FROM mention m JOIN conversation c ON c.id=m.conversation_id WHERE c.high=? AND c.low=? "
      "AND m.user_id IN (?, 0) AND m.seq > ? AND m.sender_id <> ?");
  query.bind(conversation.high).bind(conversation.low).bind(reader.value).bind(read_seq).bind(reader.value);
  return query.step() ? query.integer() : 0;
}

}  // namespace simpleim::store::sql
