#include "store/mysql/archived_message_store.h"

#include <map>

namespace simpleim::store::mysql {
namespace {

using sql::kSeqMask;
using sql::row_key;

/// Each is a question to the archive, and messages wait meanwhile.
constexpr int kAmendedAtOnce = 10;

}  // namespace

/// Read before the messages: what is gone from here by then has been changed there.
class ArchivedMessageStore::Amendments {
 public:
  Amendments(Database& database, std::int64_t first_key, std::int64_t last_key) {
    auto db = database.read();
    auto query = db->query(
        "SELECT a.key, sender_id, type, content, edited_at, recalled_at, recalled_by, version FROM amendment a WHERE "
        "a.key BETWEEN ? AND ? ORDER BY a.key");
    query.bind(first_key).bind(last_key);
    while (query.step()) {
      const auto key = query.integer();
      Message m;
      m.seq = key & kSeqMask;
      m.from = UserId{query.id()};
      m.type = static_cast<protocol::FrameType>(query.integer());
      m.content = query.text();
      m.amendment.edited_at = query.integer();
      m.amendment.recalled_at = query.integer();
      m.amendment.recalled_by = UserId{query.id()};
      m.amendment.version = query.integer();
      by_key_.emplace(key, std::move(m));
    }
  }
  void apply(std::int64_t conversation_key, Message& message) const {
    const auto found = by_key_.find(row_key(conversation_key, message.seq));
    if (found == by_key_.end()) return;
    message.content = found->second.content;
    message.amendment = found->second.amendment;
  }
  const std::map<std::int64_t, Message>& all() const { return by_key_; }

 private:
  std::map<std::int64_t, Message> by_key_;
};

// ---------------------------------------------------------------- writing

void ArchivedMessageStore::amend(const Message& target) {
  db_.write()
      .query("INSERT OR REPLACE INTO amendment VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(row_key(index_.key(target.conversation), target.seq))
      .bind(target.from.value)
      .bind(static_cast<int>(target.type))
      .bind(std::string_view(target.content))
      .bind(target.amendment.edited_at)
      .bind(target.amendment.recalled_at)
      .bind(target.amendment.recalled_by.value)
      .bind(target.amendment.version)
      .run();
}

void ArchivedMessageStore::before_commit() {
  auto refused = archive_.insert(pending_);
  if (refused.empty()) return;
  make_room(refused);
  if (!archive_.insert(refused).empty())
    throw StoreError(ErrorCode::kUnavailable, "other messages have these ids or places", true);
}

/// While a conversation is locked, what lies in it beyond its committed end cannot become a message any more.
void ArchivedMessageStore::make_room(const std::vector<MessageArchive::Entry>& refused) {
  std::vector<MessageId> ids;
  std::vector<MessageArchive::Entry> in_the_way;
  for (const auto& entry : refused) {
    ids.push_back(entry.message.id);
    if (auto there = archive_.at(entry.conversation_key, entry.message.seq)) in_the_way.push_back(std::move(*there));
  }
  for (auto& entry : archive_.find(ids)) in_the_way.push_back(std::move(entry));
  std::vector<MessageId> left_over;
  for (const auto& entry : in_the_way) {
    const auto* conversation = index_.open_key(entry.conversation_key);
    if (conversation == nullptr || entry.message.seq > conversation->committed_seq)
      left_over.push_back(entry.message.id);
  }
  archive_.remove(left_over);
}

void ArchivedMessageStore::end_batch() {
  BatchedMessageStore::end_batch();
  pending_.clear();
}

bool ArchivedMessageStore::tidy() {
  std::vector<std::pair<std::int64_t, Message>> amended;
  {
    auto query = db_.write().query(
        "SELECT a.key, content, edited_at, recalled_at, recalled_by, version FROM amendment a ORDER BY a.key LIMIT ? "
        "FOR UPDATE SKIP LOCKED");  // another node is at those
    query.bind(kAmendedAtOnce);
    while (query.step()) {
      const auto key = query.integer();
      Message m;
      m.seq = key & kSeqMask;
      m.content = query.text();
      m.amendment.edited_at = query.integer();
      m.amendment.recalled_at = query.integer();
      m.amendment.recalled_by = UserId{query.id()};
      m.amendment.version = query.integer();
      amended.emplace_back(key, std::move(m));
    }
  }
  for (const auto& [key, message] : amended) {
    archive_.amend(key >> 32, message);
    db_.write().query("DELETE FROM amendment WHERE amendment.key=?").bind(key).run();
  }
  return amended.size() == kAmendedAtOnce;
}

// ---------------------------------------------------------------- reading

ArchivedMessageStore::Place ArchivedMessageStore::place(ConversationId conversation) {
  if (db_.in_batch())
    if (const auto* entry = index_.find(conversation)) return {entry->key, entry->last_seq, entry->last_timestamp};
  auto db = db_.read();
  auto query = db->query("SELECT id, last_seq, last_timestamp FROM conversation WHERE low=? AND high=?");
  Place place;
  if (!query.bind(conversation.low).bind(conversation.high).step()) return place;
  place.key = query.integer();
  place.last_seq = query.integer();
  place.last_timestamp = query.integer();
  return place;
}

std::vector<Message> ArchivedMessageStore::committed(std::vector<MessageArchive::Entry> entries) {
  std::vector<Message> found;
  if (entries.empty()) return found;
  std::string keys;
  for (const auto& entry : entries) keys += (keys.empty() ? "" : ",") + std::to_string(entry.conversation_key);
  struct End {
    ConversationId conversation;
    std::int64_t last_seq = 0;
  };
  std::map<std::int64_t, End> ends;
  {
    auto db = db_.read();
    auto query = static_cast<Connection&>(*db).text_query(
        "SELECT id, low, high, last_seq FROM conversation WHERE id IN (" + keys + ")");
    while (query.step()) {
      auto& end = ends[query.integer()];
      end.conversation.low = query.id();
      end.conversation.high = query.id();
      end.last_seq = query.integer();
    }
  }
  for (auto& entry : entries) {
    const auto end = ends.find(entry.conversation_key);
    if (end == ends.end() || entry.message.seq > end->second.last_seq) continue;
    entry.message.conversation = end->second.conversation;
    found.push_back(std::move(entry.message));
  }
  return found;
}

HistoryPage ArchivedMessageStore::history(const HistoryQuery& q) {
  HistoryPage page;
  const auto at = place(q.conversation);
  if (at.key == 0) return page;
  const bool newest = q.after < 0;
  const auto first = std::max(newest ? 0 : q.after, q.visible_from - 1) + 1;
  const auto last = newest && q.before != 0 ? std::min(q.before - 1, at.last_seq) : at.last_seq;
  const Amendments amendments(db_, row_key(at.key, first), row_key(at.key, std::max(first, last)));
  page.messages = archive_.between(at.key, first, last, q.limit + 1, newest);  // one more tells whether there is more
  // In a batch, its own are not in the archive yet.
  if (db_.in_batch() && (newest || page.messages.size() <= q.limit))
    for (const auto& entry : pending_)
      if (entry.conversation_key == at.key && entry.message.seq >= first && entry.message.seq <= last)
        page.messages.push_back(entry.message);
  page.has_more = page.messages.size() > q.limit;
  while (page.messages.size() > q.limit)
    page.messages.erase(newest ? page.messages.begin() : std::prev(page.messages.end()));
  for (auto& message : page.messages) {
    message.conversation = q.conversation;
    amendments.apply(at.key, message);
  }
  return page;
}

std::optional<Message> ArchivedMessageStore::find(const MessageId& id) {
  if (db_.in_batch())
    for (const auto& entry : pending_) {
      if (entry.message.id != id) continue;
      auto message = entry.message;
      const auto row = row_key(entry.conversation_key, message.seq);
      Amendments(db_, row, row).apply(entry.conversation_key, message);
      return message;
    }
  auto entries = archive_.find({id});
  if (entries.empty()) return std::nullopt;
  const auto key = entries.front().conversation_key;
  const auto row = row_key(key, entries.front().message.seq);
  const Amendments amendments(db_, row, row);
  // Again, now that the amendments are known: what was changed there in between has left them.
  auto found = committed(archive_.find({id}));
  if (found.empty()) return std::nullopt;
  amendments.apply(key, found.front());
  return std::move(found.front());
}

ConversationTail ArchivedMessageStore::tail(ConversationId conversation) {
  const auto at = place(conversation);
  return {at.last_seq, at.last_timestamp};
}

std::optional<Message> ArchivedMessageStore::last_message(ConversationId conversation) {
  const auto at = place(conversation);
  if (at.key == 0) return std::nullopt;
  const Amendments amendments(db_, row_key(at.key, 0), row_key(at.key, at.last_seq));
  auto message = archive_.last_shown(at.key, at.last_seq);
  if (!message) return std::nullopt;
  message->conversation = conversation;
  amendments.apply(at.key, *message);
  return message;
}

std::int64_t ArchivedMessageStore::unread(ConversationId conversation, UserId reader, std::int64_t read_seq) {
  const auto at = place(conversation);
  if (at.key == 0 || read_seq >= at.last_seq) return 0;
  const Amendments amendments(db_, row_key(at.key, read_seq + 1), row_key(at.key, at.last_seq));
  auto count = archive_.count_unread(at.key, reader, read_seq + 1, at.last_seq);
  // Recalled, but not there yet.
  for (const auto& [key, m] : amendments.all()) {
    if (m.amendment.recalled_at == 0 || m.from == reader || !protocol::is_counted(m.type)) continue;
    const auto there = archive_.at(at.key, m.seq);
    if (there && there->message.amendment.recalled_at == 0) --count;
  }
  return count;
}

}  // namespace simpleim::store::mysql
