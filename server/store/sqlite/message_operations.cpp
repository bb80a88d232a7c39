#include <algorithm>

#include "store/sqlite/message_codec.h"
#include "store/sqlite/message_store.h"
#include "store/sqlite/row_key.h"

/// What is done to messages after they are stored (docs/decisions/0008).
namespace simpleim::store::sqlite {

/// The message may stand in memory, in its table, or (while it is being archived) in both: each gets the change. The
/// journal keeps it, too, for the message that a restart brings back from there.
void SqliteMessageStore::amend(const Message& target) {
  recent_.amend(target);
  append_amendment(journal_, target);
  const auto key = row_key(index_.open(target.conversation).key, target.seq);
  db_.write().query("UPDATE message SET content=? WHERE key=?").bind(std::string_view(target.content)).bind(key).run();
  archive_amendment(key, target.amendment);
}

void SqliteMessageStore::keep_version(const Message& target, const MessageVersion& version) {
  db_.write()
      .query("INSERT INTO message_version(key, version, timestamp, content) VALUES(?, ?, ?, ?)")
      .bind(row_key(index_.open(target.conversation).key, target.seq))
      .bind(version.replaced_by)
      .bind(version.timestamp)
      .bind(std::string_view(version.content))
      .run();
}

std::vector<MessageVersion> SqliteMessageStore::versions(const Message& target) {
  std::vector<MessageVersion> found;
  auto db = db_.read();
  const auto key = key_of(*db.operator->(), target.conversation);
  auto query = db->query("SELECT content, timestamp, version FROM message_version WHERE key=? ORDER BY version");
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

void SqliteMessageStore::add_mentions(const Message& target, const std::vector<UserId>& mentions) {
  const auto key = index_.open(target.conversation).key;
  for (const auto user : mentions)
    db_.write()
        .query("INSERT OR IGNORE INTO mention(conversation_id, user_id, seq, sender_id) VALUES(?, ?, ?, ?)")
        .bind(key)
        .bind(user.value)
        .bind(target.seq)
        .bind(target.from.value)
        .run();
}

void SqliteMessageStore::forget_traces(const Message& target) {
  auto& db = db_.write();
  const auto conversation_key = index_.open(target.conversation).key;
  const auto key = row_key(conversation_key, target.seq);
  db.query("DELETE FROM message_version WHERE key=?").bind(key).run();
  db.query("DELETE FROM reaction WHERE key=?").bind(key).run();
  db.query("DELETE FROM pin WHERE key=?").bind(key).run();
  db.query("DELETE FROM mention WHERE conversation_id=? AND seq=?").bind(conversation_key).bind(target.seq).run();
}

std::int64_t SqliteMessageStore::react(const Message& target, UserId user, std::string_view emoji, bool on) {
  auto& db = db_.write();
  const auto key = row_key(index_.open(target.conversation).key, target.seq);
  db.query(on ? "INSERT OR IGNORE INTO reaction(key, emoji, user_id) VALUES(?, ?, ?)"
              : "DELETE FROM reaction WHERE key=? AND emoji=? AND user_id=?")
      .bind(key)
      .bind(emoji)
      .bind(user.value)
      .run();
  auto count = db.query("SELECT count(*) FROM reaction WHERE key=? AND emoji=?");
  return count.bind(key).bind(emoji).step() ? count.integer() : 0;
}

std::size_t SqliteMessageStore::emoji_count(const Message& target) {
  auto db = db_.read();
  const auto key = key_of(*db.operator->(), target.conversation);
  auto query = db->query("SELECT count(DISTINCT emoji) FROM reaction WHERE key=?");
  return query.bind(row_key(key, target.seq)).step() ? static_cast<std::size_t>(query.integer()) : 0;
}

void SqliteMessageStore::pin(const Message& target, UserId by, std::int64_t at, bool on) {
  auto& db = db_.write();
  const auto key = row_key(index_.open(target.conversation).key, target.seq);
  if (!on) return db.query("DELETE FROM pin WHERE key=?").bind(key).run();
  db.query("INSERT OR REPLACE INTO pin(key, user_id, timestamp) VALUES(?, ?, ?)")
      .bind(key)
      .bind(by.value)
      .bind(at)
      .run();
}

std::vector<Reaction> SqliteMessageStore::reactions(ConversationId conversation, std::int64_t from, std::int64_t to,
                                                    UserId reader) {
  std::vector<Reaction> found;
  auto db = db_.read();
  const auto key = key_of(*db.operator->(), conversation);
  if (key == 0) return found;
  auto query = db->query("SELECT key, emoji, user_id FROM reaction WHERE key BETWEEN ? AND ?");
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

std::vector<UserId> SqliteMessageStore::reacting(const Message& target, std::string_view emoji, UserId after,
                                                 std::size_t limit) {
  std::vector<UserId> found;
  auto db = db_.read();
  const auto key = key_of(*db.operator->(), target.conversation);
  auto query =
      db->query("SELECT user_id FROM reaction WHERE key=? AND emoji=? AND user_id > ? ORDER BY user_id LIMIT ?");
  query.bind(row_key(key, target.seq)).bind(emoji).bind(after.value).bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(UserId{query.id()});
  return found;
}

std::vector<PinnedMessage> SqliteMessageStore::pins(ConversationId conversation) {
  std::vector<PinnedMessage> found;
  auto db = db_.read();
  const auto key = key_of(*db.operator->(), conversation);
  if (key == 0) return found;
  auto query =
      db->query("SELECT key, user_id, timestamp FROM pin WHERE key BETWEEN ? AND ? ORDER BY timestamp DESC, key DESC");
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

}  // namespace simpleim::store::sqlite
