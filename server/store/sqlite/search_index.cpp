#include "store/sqlite/search_index.h"

#include <array>
#include <filesystem>

#include "base/log.h"
#include "store/sqlite/maintenance.h"
#include "store/sqlite/row_key.h"

namespace simpleim::store::sqlite {
namespace {

constexpr int kVersion = 4;

/// The lengths of `prefix` below: only such a beginning is found without merging all words that have it.
constexpr std::array<std::size_t, 5> kPrefixes{10, 8, 6, 4, 3};

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
                                      prefix='3 4 6 8 10', tokenize='simpleim');
-- A search reads the newest end of a page backwards, which it has to take apart whole: small pages.
INSERT INTO words(words, rank) VALUES('pgsz', 1000);
-- tidy() merges whatever there are two of.
INSERT INTO words(words, rank) VALUES('usermerge', 2);
PRAGMA user_version=4;
)sql";

std::string quoted(const std::string& token) {
  std::string out = "\"";
  for (const char c : token) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

/// The first `characters` characters, or nothing when there are fewer.
std::string beginning(const std::string& token, std::size_t characters) {
  std::size_t end = 0;
  for (std::size_t n = 0; n < characters; ++n) {
    if (end == token.size()) return "";
    ++end;
    while (end < token.size() && (static_cast<unsigned char>(token[end]) & 0xc0) == 0x80) ++end;
  }
  return token.substr(0, end);
}

/// An FTS5 expression that no term can break out of, for texts that may have all terms; `exact`: that do.
std::string expression(const std::vector<base::SearchTerm>& terms, bool& exact) {
  std::string out;
  exact = true;
  for (const auto& term : terms) {
    exact = exact && term.tokens.size() == 1 && term.tokens.front() == term.text;
    for (const auto& token : term.tokens) {
      if (!out.empty()) out += " AND ";
      if (!term.prefix) {
        out += quoted(token);
        continue;
      }
      for (const auto length : kPrefixes) {
        const auto start = beginning(token, length);
        if (start.empty()) continue;
        exact = exact && start == token;
        out += quoted(start) + "*";
        break;
      }
    }
  }
  return out;
}

}  // namespace

SqliteSearchIndex::SqliteSearchIndex(const std::string& path, std::size_t readers)
    : path_(path), readers_(readers), unsynced_(path) {
  try {
    if (unsynced_.is_torn()) throw StoreError(ErrorCode::kInternal, "the computer stopped while it was written");
    open();
  } catch (const StoreError& e) {
    base::log::warn("the search index is made anew", {{"what", e.what()}});
    clear();
  }
}

SqliteSearchIndex::~SqliteSearchIndex() {
  try {
    writer_->execute("PRAGMA wal_checkpoint(TRUNCATE)");
    sync_file(path_);
    unsynced_.clear();
  } catch (const std::exception& e) {
    base::log::warn("the search index is not closed cleanly", {{"what", e.what()}});
  }
}

void SqliteSearchIndex::open() {
  unsynced_.set();
  auto writer = std::make_unique<Connection>(path_, Connection::Access::kReadWrite);
  register_search_tokenizer(*writer);
  // Not synced: its writes would hold up those of the messages, which share the disk.
  writer->execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON;"
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

/// Each update leaves a segment of its own, and a search asks every segment.
bool SqliteSearchIndex::tidy() {
  constexpr int kPages = 200;
  const auto before = sqlite3_total_changes64(writer_->handle());
  writer_->query("INSERT INTO words(words, rank) VALUES('merge', ?)").bind(kPages).run();
  // Its own row is one change; a merge makes more (sqlite.org/fts5.html, "The merge command").
  return sqlite3_total_changes64(writer_->handle()) - before >= 2;
}

std::vector<SearchHit> SqliteSearchIndex::find(ConversationId conversation, const std::vector<base::SearchTerm>& terms,
                                               const SearchFilter& filter, std::int64_t first_seq, std::size_t limit) {
  std::vector<SearchHit> hits;
  auto reader = take_reader();
  const auto key = key_of(*reader, conversation);
  if (key != 0) {
    bool exact = false;
    const auto wanted = expression(terms, exact);
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
      if (exact || !base::find_terms(query.text(), terms).empty()) hits.push_back(hit);
    }
  }
  give_back(std::move(reader));
  return hits;
}

}  // namespace simpleim::store::sqlite
