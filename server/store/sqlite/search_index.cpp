#include "store/sqlite/search_index.h"

#include <filesystem>

#include "base/log.h"
#include "store/sqlite/row_key.h"

namespace simpleim::store::sqlite {
namespace {

constexpr int kVersion = 1;

/// detail=none keeps no positions: a text with all pairs of a longer word is looked at itself (find_terms). No prefix
/// index is as short as a pair of ideographs, so those are not doubled.
constexpr auto kSchema = R"sql(
CREATE TABLE conversation (
  id INTEGER PRIMARY KEY,
  low INTEGER NOT NULL,
  high INTEGER NOT NULL,
  indexed_to INTEGER NOT NULL,
  UNIQUE (high, low)
) STRICT;
-- key = conversation.id << 32 | seq
CREATE TABLE document (
  key INTEGER PRIMARY KEY,
  sender_id INTEGER NOT NULL,
  type INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE words USING fts5(text, content='document', content_rowid='key', detail=none, columnsize=0,
                                      prefix='3 5', tokenize='simpleim');
PRAGMA user_version=1;
)sql";

std::string quoted(const std::string& token) {
  std::string out = "\"";
  for (const char c : token) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

/// An FTS5 expression that no term can break out of.
std::string expression(const std::vector<base::SearchTerm>& terms) {
  std::string out;
  for (const auto& term : terms)
    for (const auto& token : term.tokens)
      out += (out.empty() ? "" : " AND ") + quoted(token) + (term.prefix ? "*" : "");
  return out;
}

}  // namespace

SqliteSearchIndex::SqliteSearchIndex(const std::string& path, std::size_t readers) : path_(path), readers_(readers) {
  try {
    open();
  } catch (const StoreError& e) {
    base::log::warn("the search index is made anew", {{"what", e.what()}});
    clear();
  }
}

void SqliteSearchIndex::open() {
  auto writer = std::make_unique<Connection>(path_, Connection::Access::kReadWrite);
  register_search_tokenizer(*writer);
  writer->execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON;"
      "PRAGMA cache_size=-16384; PRAGMA journal_size_limit=67108864");
  std::int64_t version = 0;
  {
    auto query = writer->query("PRAGMA user_version");
    if (query.step()) version = query.integer();
  }
  if (version == 0) writer->execute(kSchema);
  else if (version != kVersion) throw StoreError(ErrorCode::kInternal, "the search index is of another version");
  const std::lock_guard lock(pool_mutex_);
  writer_ = std::move(writer);
}

void SqliteSearchIndex::clear() {
  {
    const std::lock_guard lock(pool_mutex_);
    writer_.reset();
    pool_.clear();
  }
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  open();
}

std::unique_ptr<Connection> SqliteSearchIndex::take_reader() {
  {
    const std::lock_guard lock(pool_mutex_);
    if (!pool_.empty()) {
      auto reader = std::move(pool_.back());
      pool_.pop_back();
      return reader;
    }
  }
  auto reader = std::make_unique<Connection>(path_, Connection::Access::kReadOnly);
  register_search_tokenizer(*reader);
  return reader;
}

void SqliteSearchIndex::give_back(std::unique_ptr<Connection> reader) {
  const std::lock_guard lock(pool_mutex_);
  if (pool_.size() < readers_) pool_.push_back(std::move(reader));
}

std::int64_t SqliteSearchIndex::indexed_to(ConversationId conversation) {
  auto reader = take_reader();
  std::int64_t seq = 0;
  {
    auto query = reader->query("SELECT indexed_to FROM conversation WHERE high=? AND low=?");
    if (query.bind(conversation.high).bind(conversation.low).step()) seq = query.integer();
  }
  give_back(std::move(reader));
  return seq;
}

std::int64_t SqliteSearchIndex::conversation_key(ConversationId conversation, std::int64_t indexed_to) {
  auto query = writer_->query(
      "INSERT INTO conversation(low, high, indexed_to) VALUES(?, ?, ?) ON CONFLICT(high, low) DO UPDATE SET "
      "indexed_to=max(indexed_to, excluded.indexed_to) RETURNING id");
  query.bind(conversation.low).bind(conversation.high).bind(indexed_to);
  const auto key = query.step() ? query.integer() : 0;
  while (query.step()) {
  }
  return key;
}

void SqliteSearchIndex::remove(std::int64_t key) {
  writer_->query("INSERT INTO words(words, rowid, text) SELECT 'delete', key, text FROM document WHERE key=?")
      .bind(key)
      .run();
  writer_->query("DELETE FROM document WHERE key=?").bind(key).run();
}

void SqliteSearchIndex::put(std::int64_t key, const SearchDocument& d) {
  writer_->query("INSERT INTO document(key, sender_id, type, timestamp, text) VALUES(?, ?, ?, ?, ?)")
      .bind(key)
      .bind(d.from.value)
      .bind(static_cast<int>(d.type))
      .bind(d.timestamp)
      .bind(std::string_view(d.text))
      .run();
  writer_->query("INSERT INTO words(rowid, text) VALUES(?, ?)").bind(key).bind(std::string_view(d.text)).run();
}

void SqliteSearchIndex::update(const std::vector<SearchUpdate>& updates) {
  writer_->execute("BEGIN IMMEDIATE");
  try {
    for (const auto& update : updates) {
      const auto key = conversation_key(update.conversation, update.indexed_to);
      for (auto document : update.documents) {
        const auto row = row_key(key, document.seq);
        bool is_there = false;
        {
          auto query = writer_->query("SELECT sender_id, type, timestamp FROM document WHERE key=?");
          is_there = query.bind(row).step();
          if (is_there && document.timestamp == 0) {
            document.from = UserId{query.id()};
            document.type = static_cast<protocol::FrameType>(query.integer());
            document.timestamp = query.integer();
          }
        }
        if (is_there) remove(row);
        if (!document.text.empty() && document.timestamp != 0) put(row, document);
      }
    }
    writer_->execute("COMMIT");
  } catch (...) {
    sqlite3_exec(writer_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

std::vector<SearchHit> SqliteSearchIndex::find(ConversationId conversation, const std::vector<base::SearchTerm>& terms,
                                               const SearchFilter& filter, std::int64_t first_seq, std::size_t limit) {
  std::vector<SearchHit> hits;
  auto reader = take_reader();
  const auto key = key_of(*reader, conversation);
  if (key != 0) {
    const auto wanted = expression(terms);
    auto query = reader->query(
        "SELECT d.key, d.timestamp, d.text FROM words JOIN document d ON d.key=words.rowid WHERE words MATCH ?1 AND "
        "words.rowid BETWEEN ?2 AND ?3 AND (?4=0 OR d.sender_id=?4) AND (?5 < 0 OR d.type=?5) AND d.timestamp >= ?6 "
        "AND "
        "(?7=0 OR d.timestamp <= ?7) AND (?8=0 OR d.timestamp < ?7 OR d.key < ?8) ORDER BY words.rowid DESC");
    query.bind(std::string_view(wanted))
        .bind(row_key(key, first_seq))
        .bind(row_key(key, kSeqMask))
        .bind(filter.from.value)
        .bind(filter.type)
        .bind(filter.not_before)
        .bind(filter.not_after)
        .bind(filter.before_seq == 0 ? 0 : row_key(key, filter.before_seq));
    while (hits.size() < limit && query.step()) {
      SearchHit hit{conversation, query.integer() & kSeqMask, query.integer()};
      if (!base::find_terms(query.text(), terms).empty()) hits.push_back(hit);
    }
  }
  give_back(std::move(reader));
  return hits;
}

}  // namespace simpleim::store::sqlite
