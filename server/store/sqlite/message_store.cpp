#include "store/sqlite/message_store.h"

#include <algorithm>
#include <limits>

#include "store/sql/message_rows.h"
#include "store/sql/packed_id.h"
#include "store/sqlite/message_codec.h"

namespace simpleim::store::sqlite {
namespace {

/// A generation is archived when it has this many messages or bytes: large enough that rows of one
/// conversation come together, small enough for memory (two generations at most are held).
constexpr std::size_t kGenerationMessages = 65536;
constexpr std::size_t kGenerationBytes = 16 << 20;
/// Archive operations for each message of a batch. A message needs two (row and key), so archiving
/// always outruns what arrives.
constexpr std::size_t kOperationsPerMessage = 5;
constexpr std::size_t kLeastOperations = 64;

bool counts_as_unread(UserId reader, const RecentMessages::Slot& m) {
  return m.from != reader && protocol::is_counted(m.type) && (m.amendment == nullptr || m.amendment->recalled_at == 0);
}

}  // namespace

SqliteMessageStore::SqliteMessageStore(Database& db, RecentMessages& recent, ConversationIndex& index)
    : SqlMessageStore(db, index), db_(db), recent_(recent), index_(index) {}

void SqliteMessageStore::load_journal() {
  auto& db = db_.write();
  archived_.open_gap(db_, now_ms_);
  auto rows = db.query("SELECT id, messages FROM journal ORDER BY id");
  while (rows.step()) {
    journal_row_ = rows.integer();
    for_each_record(rows.bytes(), [&](Message&& message, bool amends) {
      if (amends) return recent_.amend(message);
      recent_.add(message, index_.open(message.conversation).key);
    });
    recent_.commit(journal_row_);
  }
  committed_journal_row_ = journal_row_;
  index_.rollback();
}

std::optional<Appended> SqliteMessageStore::find_earlier(const MessageId& id, UserId from) {
  const auto answer = [&](const auto& first) {
    const auto status = first.from == from ? AppendStatus::kDuplicate : AppendStatus::kIdInUse;
    return Appended{status, first.conversation, first.seq, first.timestamp};
  };
  if (const auto* recent = recent_.find_pending(id.view())) return answer(*recent);
  const sql::PackedId packed(id.view());
  if (!archived_.may_hold(db_, packed.view(), now_ms_)) return std::nullopt;
  auto query = db_.write().query(
      "SELECT m.sender_id, m.timestamp, m.key, c.low, c.high FROM message_key k JOIN message m ON m.key=k.key "
      "JOIN conversation c ON c.id = m.key >> 32 WHERE k.message_id=?");
  if (!query.bind_blob(packed.view()).step()) return std::nullopt;
  Message first;
  first.from = UserId{query.id()};
  first.timestamp = query.integer();
  first.seq = query.integer() & kSeqMask;
  first.conversation.low = query.id();
  first.conversation.high = query.id();
  return answer(first);
}

Appended SqliteMessageStore::append(const Message& message, const std::vector<UserId>& mentions) {
  now_ms_ = std::max(now_ms_, message.timestamp);
  if (auto earlier = find_earlier(message.id, message.from)) return *earlier;
  auto& entry = index_.open(message.conversation);
  if (entry.last_seq >= kSeqMask) throw StoreError(ErrorCode::kInternal, "a conversation is full");
  Message stored = message;
  stored.seq = ++entry.last_seq;
  stored.timestamp = entry.last_timestamp = std::max(stored.timestamp, entry.last_timestamp);
  append_record(journal_, stored);
  recent_.add(stored, entry.key);
  ++batch_size_;
  if (!mentions.empty()) add_mentions(stored, mentions);
  return {AppendStatus::kStored, stored.conversation, stored.seq, stored.timestamp};
}

void SqliteMessageStore::begin(bool freeze_all) {
  if (recent_.frozen() != nullptr) return;
  const auto& growing = recent_.growing();
  if (growing.committed >= kGenerationMessages || growing.bytes >= kGenerationBytes ||
      (freeze_all && growing.committed > 0))
    start_archive();
}

void SqliteMessageStore::before_commit() {
  if (!journal_.empty()) {
    db_.write()
        .query("INSERT INTO journal(id, messages) VALUES(?, ?)")
        .bind(journal_row_ + 1)
        .bind_blob(journal_)
        .run();
    ++journal_row_;
    journal_.clear();
  }
  archive_slice(std::max(kLeastOperations, kOperationsPerMessage * batch_size_));
}

void SqliteMessageStore::after_commit() {
  if (journal_row_ > committed_journal_row_) recent_.commit(journal_row_);
  committed_journal_row_ = journal_row_;
  batch_size_ = 0;
  committed_progress_ = progress_;
  if (!progress_.done) return;
  recent_.drop_frozen();
  order_.clear();
  progress_ = committed_progress_ = {};
}

void SqliteMessageStore::rollback() {
  journal_.clear();
  batch_size_ = 0;
  recent_.rollback();
  journal_row_ = committed_journal_row_;
  progress_ = committed_progress_;
}

void SqliteMessageStore::start_archive() {
  recent_.freeze();
  archived_.open_gap(db_, now_ms_);
  const auto& frozen = *recent_.frozen();
  order_.reserve(frozen.by_conversation.size());
  for (const auto& [conversation, slots] : frozen.by_conversation)
    order_.emplace_back(frozen.slots[slots.front()].conversation_key, &slots);
  std::sort(order_.begin(), order_.end());
  progress_ = committed_progress_ = {};
}

bool SqliteMessageStore::archive_slice(std::size_t operations) {
  if (recent_.frozen() == nullptr) return false;
  if (progress_.done) return false;
  if (!archive_rows(operations) || !archive_keys(operations) || !archive_tails(operations)) return true;
  db_.write().query("DELETE FROM journal WHERE id <= ?").bind(recent_.frozen()->last_journal_row).run();
  progress_.done = true;
  return true;
}

bool SqliteMessageStore::archive_rows(std::size_t& operations) {
  const auto& frozen = *recent_.frozen();
  auto query = db_.write().query(
      "INSERT OR IGNORE INTO message(key, message_id, sender_id, type, timestamp, content) VALUES(?, ?, ?, ?, ?, ?)");
  for (; progress_.conversation < order_.size(); ++progress_.conversation, progress_.row = 0) {
    const auto& [conversation_key, slots] = order_[progress_.conversation];
    for (; progress_.row < slots->size(); ++progress_.row) {
      if (operations-- == 0) return operations = 0, false;
      const auto& m = frozen.slots[(*slots)[progress_.row]];
      const auto* staged = recent_.staged(m);
      const auto* amendment = staged != nullptr ? &staged->amendment : m.amendment;
      const sql::PackedId id(m.id.view());
      query.again()
          .bind(row_key(conversation_key, m.seq))
          .bind_blob(id.view())
          .bind(m.from.value)
          .bind(static_cast<int>(m.type))
          .bind(m.timestamp)
          .bind(staged != nullptr ? std::string_view(staged->content) : m.content)
          .run();
      if (amendment != nullptr) archive_amendment(row_key(conversation_key, m.seq), *amendment);
    }
  }
  return true;
}

void SqliteMessageStore::archive_amendment(std::int64_t key, const protocol::Amendment& amendment) {
  db_.write()
      .query("UPDATE message SET edited_at=?, recalled_at=?, recalled_by=?, version=? WHERE key=?")
      .bind(amendment.edited_at)
      .bind(amendment.recalled_at)
      .bind(amendment.recalled_by.value)
      .bind(amendment.version)
      .bind(key)
      .run();
}

bool SqliteMessageStore::archive_keys(std::size_t& operations) {
  const auto& frozen = *recent_.frozen();
  auto query = db_.write().query("INSERT OR IGNORE INTO message_key(message_id, key) VALUES(?, ?)");
  for (; progress_.key < frozen.slots.size(); ++progress_.key) {
    if (operations-- == 0) return operations = 0, false;
    const auto& slot = frozen.slots[progress_.key];
    const sql::PackedId id(slot.id.view());
    query.again().bind_blob(id.view()).bind(row_key(slot.conversation_key, slot.seq)).run();
    archived_.add(id.view());
  }
  return true;
}

bool SqliteMessageStore::archive_tails(std::size_t& operations) {
  const auto& frozen = *recent_.frozen();
  auto query = db_.write().query("UPDATE conversation SET last_seq=?, last_timestamp=? WHERE id=?");
  for (; progress_.tail < order_.size(); ++progress_.tail) {
    if (operations-- == 0) return operations = 0, false;
    const auto& [conversation_key, slots] = order_[progress_.tail];
    const auto& last = frozen.slots[slots->back()];
    query.again().bind(last.seq).bind(last.timestamp).bind(conversation_key).run();
  }
  return true;
}

HistoryPage SqliteMessageStore::history(const HistoryQuery& q) {
  const bool newest = q.after < 0;
  const auto after = std::max(newest ? 0 : q.after, q.visible_from - 1);
  const auto wanted = q.limit + 1;  // one more tells whether there is more
  HistoryPage page;
  // The recent part first: what moves to the tables meanwhile is found there by the second read.
  auto [recent, first_recent] = recent_.range(q.conversation, after, q.before, wanted, newest);
  const auto bound = first_recent == 0 ? q.before : (q.before == 0 ? first_recent : std::min(q.before, first_recent));
  auto db = db_.read();
  const auto key = key_of(*db, q.conversation);
  if (newest) {
    page.messages = sql::messages_between(*db, key, q.conversation, after, recent.empty() ? bound : recent.front().seq,
                                          wanted - recent.size(), true);
    page.messages.insert(page.messages.end(), std::make_move_iterator(recent.begin()),
                         std::make_move_iterator(recent.end()));
    page.has_more = page.messages.size() > q.limit;
    if (page.has_more) page.messages.erase(page.messages.begin());
    return page;
  }
  if (bound == 0 || bound > after + 1)
    page.messages = sql::messages_between(*db, key, q.conversation, after, bound, wanted, false);
  for (auto& message : recent) {
    if (page.messages.size() >= wanted) break;
    if (page.messages.empty() || message.seq > page.messages.back().seq) page.messages.push_back(std::move(message));
  }
  page.has_more = page.messages.size() > q.limit;
  if (page.has_more) page.messages.pop_back();
  return page;
}

std::optional<Message> SqliteMessageStore::find(const MessageId& id) {
  if (auto recent = db_.in_batch() ? recent_.find_in_batch(id.view()) : recent_.find(id.view())) return recent;
  const sql::PackedId packed(id.view());
  auto db = db_.read();
  auto query =
      db->query("SELECT c.low, c.high, " MESSAGE_COLUMNS
                " FROM message_key k "
                "JOIN message m ON m.key=k.key JOIN conversation c ON c.id = m.key >> 32 WHERE k.message_id=?");
  if (!query.bind_blob(packed.view()).step()) return std::nullopt;
  const auto low = query.id();
  const auto high = query.id();
  return sql::read_message(query, {low, high});
}

std::vector<ConversationEnd> SqliteMessageStore::conversation_ends(std::uint64_t position, std::size_t limit) {
  std::vector<ConversationEnd> ends;
  auto db = db_.read();
  auto query = db->query("SELECT id, low, high, last_seq FROM conversation WHERE id > ? ORDER BY id LIMIT ?");
  query.bind(position).bind(static_cast<std::int64_t>(limit));
  while (query.step()) {
    ConversationEnd end;
    end.position = query.id();
    end.conversation.low = query.id();
    end.conversation.high = query.id();
    end.last_seq = std::max(query.integer(), recent_.last_seq(end.conversation));
    ends.push_back(end);
  }
  return ends;
}

ConversationTail SqliteMessageStore::tail(ConversationId conversation) {
  ConversationTail tail;
  tail.last_seq = recent_.last_seq(conversation);
  if (tail.last_seq == 0) {
    auto db = db_.read();
    const auto key = key_of(*db, conversation);
    auto query = db->query("SELECT max(key) FROM message WHERE key BETWEEN ? AND ?");
    if (query.bind(row_key(key, 0)).bind(row_key(key, kSeqMask)).step()) tail.last_seq = query.integer() & kSeqMask;
  }
  if (tail.last_seq == 0) return tail;
  if (const auto last = last_message(conversation)) tail.last_timestamp = last->timestamp;
  return tail;
}

std::optional<Message> SqliteMessageStore::last_message(ConversationId conversation) {
  auto [recent, first_recent] = recent_.last_shown(conversation);
  if (recent) return std::move(recent);
  auto db = db_.read();
  const auto key = key_of(*db, conversation);
  if (key == 0) return std::nullopt;
  return sql::last_shown(*db, key, conversation, first_recent);
}

std::int64_t SqliteMessageStore::unread(ConversationId conversation, UserId reader, std::int64_t read_seq) {
  auto [total, first_recent] =
      recent_.count(conversation, read_seq, [&](const RecentMessages::Slot& m) { return counts_as_unread(reader, m); });
  if (total >= kMostUnread || (first_recent != 0 && first_recent <= read_seq + 1)) return total;
  auto db = db_.read();
  const auto key = key_of(*db, conversation);
  if (key == 0) return total;
  total += sql::count_unread(*db, key, reader, read_seq + 1, first_recent);
  return std::min(total, kMostUnread);
}

/// The message may stand in memory, in its table, or (while it is being archived) in both: each gets the change. The
/// journal keeps it, too, for the message that a restart brings back from there.
void SqliteMessageStore::amend(const Message& target) {
  recent_.amend(target);
  append_amendment(journal_, target);
  const auto key = row_key(index_.open(target.conversation).key, target.seq);
  db_.write().query("UPDATE message SET content=? WHERE key=?").bind(std::string_view(target.content)).bind(key).run();
  archive_amendment(key, target.amendment);
}

}  // namespace simpleim::store::sqlite
