#include "store/mysql/message_store.h"

#include <algorithm>
#include <unordered_map>

#include "store/sql/message_rows.h"
#include "store/sql/packed_id.h"

namespace simpleim::store::mysql {
namespace {

using sql::key_of;
using sql::kSeqMask;
using sql::row_key;

void append_number(std::string& out, std::int64_t number) {
  out += std::to_string(number);
  out += ',';
}

}  // namespace

// ---------------------------------------------------------------- what all have in common

void BatchedMessageStore::look_up(const std::vector<MessageId>& ids) {
  std::vector<MessageId> unknown;
  for (const auto& id : ids)
    if (known_.emplace(id, std::nullopt).second) unknown.push_back(id);
  if (unknown.empty()) return;
  for (const auto& m : stored(unknown)) known_[m.id] = Known{m.from, m.conversation, m.seq, m.timestamp};
}

std::vector<ConversationId> BatchedMessageStore::conversations_of(const std::vector<MessageId>& ids) {
  std::vector<ConversationId> found;
  if (ids.empty()) return found;
  for (const auto& message : stored(ids)) found.push_back(message.conversation);
  return found;
}

std::optional<Appended> BatchedMessageStore::find_earlier(const MessageId& id, UserId from) {
  auto found = known_.find(id);
  if (found == known_.end()) {
    look_up({id});
    found = known_.find(id);
  }
  if (!found->second) return std::nullopt;
  const auto& known = *found->second;
  const auto status = known.from == from ? AppendStatus::kDuplicate : AppendStatus::kIdInUse;
  return Appended{status, known.conversation, known.seq, known.timestamp};
}

Appended BatchedMessageStore::append(const Message& message, const std::vector<UserId>& mentions) {
  if (auto earlier = find_earlier(message.id, message.from)) return *earlier;
  auto& entry = index_.open(message.conversation);
  if (entry.last_seq >= kSeqMask) throw StoreError(ErrorCode::kInternal, "a conversation is full");
  auto stored = message;
  stored.seq = ++entry.last_seq;
  stored.timestamp = std::max(stored.timestamp, entry.last_timestamp);
  entry.grown = true;
  if (protocol::is_shown(message.type)) entry.last_timestamp = stored.timestamp;
  known_[message.id] = Known{stored.from, stored.conversation, stored.seq, stored.timestamp};
  write(entry.key, stored);
  if (!mentions.empty()) add_mentions(stored, mentions);
  return {AppendStatus::kStored, stored.conversation, stored.seq, stored.timestamp};
}

std::vector<ConversationEnd> BatchedMessageStore::conversation_ends(std::uint64_t position, std::size_t limit) {
  std::vector<ConversationEnd> ends;
  auto db = db_.read();
  auto query = db->query("SELECT id, low, high, last_seq FROM conversation WHERE id > ? ORDER BY id LIMIT ?");
  query.bind(position).bind(static_cast<std::int64_t>(limit));
  while (query.step()) {
    ConversationEnd end;
    end.position = query.id();
    end.conversation.low = query.id();
    end.conversation.high = query.id();
    end.last_seq = query.integer();
    ends.push_back(end);
  }
  return ends;
}

// ---------------------------------------------------------------- in the table `message`

std::string MysqlMessageStore::look_up_question(const std::vector<MessageId>& ids) const {
  if (ids.empty()) return "";
  std::string list;
  for (const auto& id : ids) {
    if (!list.empty()) list += ',';
    Connection::append_blob(list, sql::PackedId(id.view()).view());
  }
  return "SELECT m.message_id, m.sender_id, m.timestamp, m.key, c.low, c.high FROM message m JOIN conversation c ON "
         "c.id = m.key >> 32 WHERE m.message_id IN (" +
         list + ")";
}

std::vector<Message> MysqlMessageStore::stored(const std::vector<MessageId>& ids) {
  auto query = db_.write().text_query(look_up_question(ids));
  std::vector<Message> found;
  while (query.step()) {
    Message m;
    m.id = MessageId::parse(sql::unpack_message_id(query.bytes())).value_or(MessageId());
    m.from = UserId{query.id()};
    m.timestamp = query.integer();
    m.seq = query.integer() & kSeqMask;
    m.conversation.low = query.id();
    m.conversation.high = query.id();
    found.push_back(std::move(m));
  }
  return found;
}

void MysqlMessageStore::write(std::int64_t conversation_key, const Message& message) {
  auto& db = db_.write();
  std::string row = "(";
  append_number(row, row_key(conversation_key, message.seq));
  Connection::append_blob(row, sql::PackedId(message.id.view()).view());
  row += ',';
  append_number(row, static_cast<std::int64_t>(message.from.value));
  append_number(row, static_cast<std::int64_t>(message.type));
  append_number(row, message.timestamp);
  db.append_text(row, message.content);
  row += ')';
  db.defer_row("INSERT INTO message(`key`, message_id, sender_id, type, timestamp, content) VALUES ", row);
}

void MysqlMessageStore::amend(const Message& target) {
  db_.write()
      .query("UPDATE message SET content=?, edited_at=?, recalled_at=?, recalled_by=?, version=? WHERE message.key=?")
      .bind(std::string_view(target.content))
      .bind(target.amendment.edited_at)
      .bind(target.amendment.recalled_at)
      .bind(target.amendment.recalled_by.value)
      .bind(target.amendment.version)
      .bind(row_key(index_.key(target.conversation), target.seq))
      .run();
}

HistoryPage MysqlMessageStore::history(const HistoryQuery& q) {
  const bool newest = q.after < 0;
  const auto after = std::max(newest ? 0 : q.after, q.visible_from - 1);
  auto db = db_.read();
  HistoryPage page;
  page.messages = sql::messages_between(*db, key_of(*db, q.conversation), q.conversation, after, newest ? q.before : 0,
                                        q.limit + 1, newest);  // one more tells whether there is more
  page.has_more = page.messages.size() > q.limit;
  if (page.has_more) page.messages.erase(newest ? page.messages.begin() : std::prev(page.messages.end()));
  return page;
}

/// Two questions: the rows of the conversations, which say where they end, and all their messages. There are no gaps
/// between seqs, so that a number of messages is a range of keys.
std::vector<HistoryPage> MysqlMessageStore::pages(const std::vector<MessagePlace>& places, std::size_t limit) {
  struct Wanted {
    ConversationId conversation;
    std::size_t page = 0;
  };
  std::vector<HistoryPage> pages(places.size());
  std::unordered_map<ConversationId, std::size_t, base::IdHash> numbers;
  std::string list;
  for (std::size_t i = 0; i < places.size(); ++i) {
    numbers[places[i].conversation] = i;
    if (i > 0) list += ',';
    list += pair_of(places[i].conversation);
  }
  if (list.empty()) return pages;
  const auto most = static_cast<std::int64_t>(limit);
  auto lease = db_.read();
  auto& db = static_cast<Connection&>(*lease);
  std::unordered_map<std::int64_t, Wanted> wanted;
  std::string ranges;
  {
    auto query = db.text_query("SELECT id, low, high, last_seq FROM conversation WHERE (low, high) IN (" + list + ")");
    while (query.step()) {
      const auto key = query.integer();
      ConversationId conversation;
      conversation.low = query.id();
      conversation.high = query.id();
      const auto last_seq = query.integer();
      const auto page = numbers.at(conversation);
      const auto after = places[page].seq;
      if (last_seq <= after) continue;
      pages[page].has_more = last_seq > after + most;
      wanted.emplace(key, Wanted{conversation, page});
      if (!ranges.empty()) ranges += " OR ";
      ranges += "m.key BETWEEN " + std::to_string(row_key(key, after + 1)) + " AND " +
                std::to_string(row_key(key, std::min(last_seq, after + most)));
    }
  }
  if (ranges.empty()) return pages;
  auto query =
      db.text_query("SELECT m.key >> 32, " MESSAGE_COLUMNS " FROM message m WHERE " + ranges + " ORDER BY m.key");
  while (query.step()) {
    const auto& [conversation, page] = wanted.at(query.integer());
    pages[page].messages.push_back(sql::read_message(query, conversation));
  }
  return pages;
}

std::optional<Message> MysqlMessageStore::find(const MessageId& id) {
  const sql::PackedId packed(id.view());
  auto db = db_.read();
  auto query = db->query("SELECT c.low, c.high, " MESSAGE_COLUMNS
                         " FROM message m JOIN conversation c ON c.id = m.key >> 32 WHERE m.message_id=?");
  if (!query.bind_blob(packed.view()).step()) return std::nullopt;
  const auto low = query.id();
  const auto high = query.id();
  return sql::read_message(query, {low, high});
}

ConversationTail MysqlMessageStore::tail(ConversationId conversation) {
  if (db_.in_batch())
    if (const auto* entry = index_.find(conversation)) return {entry->last_seq, entry->last_timestamp};
  auto db = db_.read();
  auto query = db->query("SELECT last_seq, last_timestamp FROM conversation WHERE low=? AND high=?");
  ConversationTail tail;
  if (!query.bind(conversation.low).bind(conversation.high).step()) return tail;
  tail.last_seq = query.integer();
  tail.last_timestamp = query.integer();
  return tail;
}

std::optional<Message> MysqlMessageStore::last_message(ConversationId conversation) {
  auto db = db_.read();
  return sql::last_shown(*db, key_of(*db, conversation), conversation, 0);
}

std::int64_t MysqlMessageStore::unread(ConversationId conversation, UserId reader, std::int64_t read_seq) {
  auto db = db_.read();
  return sql::count_unread(*db, key_of(*db, conversation), reader, read_seq + 1, 0);
}

}  // namespace simpleim::store::mysql
