#include "store/sqlite/search_index.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "base/log.h"
#include "store/sqlite/maintenance.h"
#include "store/sqlite/search_lookup.h"
#include "store/sqlite/search_tokenizer.h"

namespace simpleim::store::sqlite {
namespace {

constexpr int kVersion = 6;

/// detail=none keeps no positions: a text with all pairs of a longer word is looked at itself (has_terms). No prefix
/// index is as short as a pair of ideographs or a mark, so those are not doubled.
constexpr auto kSchema = R"sql(
CREATE TABLE era (
  id INTEGER PRIMARY KEY,
  first_stretch INTEGER NOT NULL,
  documents INTEGER NOT NULL,
  oldest INTEGER NOT NULL,
  newest INTEGER NOT NULL
) STRICT;
-- Of a conversation in an era: first_seq <= seq, up to the next stretch. indexed_to: of the last one.
CREATE TABLE stretch (
  id INTEGER PRIMARY KEY,
  low INTEGER NOT NULL,
  high INTEGER NOT NULL,
  era INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  indexed_to INTEGER NOT NULL,
  newest INTEGER NOT NULL,
  UNIQUE (high, low, era)
) STRICT;
-- key = stretch.id << 32 | seq. Timestamps do not fall within a conversation.
CREATE TABLE document (
  key INTEGER PRIMARY KEY,
  sender_id INTEGER NOT NULL,
  type INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none, columnsize=0, prefix='3 4 6 8 10',
                                      tokenize='simpleim');
-- A search reads the newest end of a page backwards, which it has to take apart whole: small pages.
INSERT INTO words(words, rank) VALUES('pgsz', 1000);
-- tidy() merges whatever there are two of.
INSERT INTO words(words, rank) VALUES('usermerge', 2);
PRAGMA user_version=6;
)sql";

}  // namespace

SqliteSearchIndex::SqliteSearchIndex(const std::string& path, std::size_t readers, std::int64_t era_documents)
    : path_(path), readers_(readers), era_documents_(era_documents), unsynced_(path) {
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
    auto query = reader->query("SELECT indexed_to FROM stretch WHERE high=? AND low=? ORDER BY era DESC LIMIT 1");
    if (query.bind(conversation.high).bind(conversation.low).step()) seq = query.integer();
  }
  give_back(std::move(reader));
  return seq;
}

SqliteSearchIndex::Era SqliteSearchIndex::open_era() {
  Era era;
  {
    auto query = writer_->query("SELECT id, documents, oldest, newest FROM era ORDER BY id DESC LIMIT 1");
    if (query.step()) era = {query.integer(), query.integer(), query.integer(), query.integer()};
  }
  if (era.id != 0 && era.documents < era_documents_) return era;
  era = {era.id + 1, 0, std::numeric_limits<std::int64_t>::max(), 0};
  writer_->query("INSERT INTO era SELECT ?, (SELECT coalesce(max(id), 0) + 1 FROM stretch), 0, ?, 0")
      .bind(era.id)
      .bind(era.oldest)
      .run();
  return era;
}

void SqliteSearchIndex::save(const Era& era) {
  writer_->query("UPDATE era SET documents=?, oldest=?, newest=? WHERE id=?")
      .bind(era.documents)
      .bind(era.oldest)
      .bind(era.newest)
      .bind(era.id)
      .run();
}

std::vector<SqliteSearchIndex::Stretch> SqliteSearchIndex::stretches_of(ConversationId conversation) {
  std::vector<Stretch> stretches;
  auto query =
      writer_->query("SELECT id, era, first_seq, indexed_to, newest FROM stretch WHERE high=? AND low=? ORDER BY era");
  query.bind(conversation.high).bind(conversation.low);
  while (query.step())
    stretches.push_back({query.integer(), query.integer(), query.integer(), query.integer(), query.integer()});
  return stretches;
}

SqliteSearchIndex::Stretch SqliteSearchIndex::add_stretch(ConversationId conversation, const Era& era,
                                                          const Stretch* before) {
  Stretch stretch{0, era.id, 1, 0, 0};
  if (before != nullptr) stretch = {0, era.id, before->indexed_to + 1, before->indexed_to, before->newest};
  writer_->query("INSERT INTO stretch(low, high, era, first_seq, indexed_to, newest) VALUES(?, ?, ?, ?, ?, ?)")
      .bind(conversation.low)
      .bind(conversation.high)
      .bind(stretch.era)
      .bind(stretch.first_seq)
      .bind(stretch.indexed_to)
      .bind(stretch.newest)
      .run();
  stretch.id = sqlite3_last_insert_rowid(writer_->handle());
  return stretch;
}

void SqliteSearchIndex::remove(std::int64_t key) {
  std::string indexed;
  {
    auto query = writer_->query("SELECT sender_id, type, text FROM document WHERE key=?");
    if (!query.bind(key).step()) return;
    const UserId from{query.id()};
    const auto type = static_cast<int>(query.integer());
    indexed = with_marks(query.bytes(), from, type);
  }
  writer_->query("INSERT INTO words(words, rowid, text) VALUES('delete', ?, ?)")
      .bind(key)
      .bind(std::string_view(indexed))
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
  const auto indexed = with_marks(d.text, d.from, static_cast<int>(d.type));
  writer_->query("INSERT INTO words(rowid, text) VALUES(?, ?)").bind(key).bind(std::string_view(indexed)).run();
}

bool SqliteSearchIndex::complete(std::int64_t key, SearchDocument& document) {
  auto query = writer_->query("SELECT sender_id, type, timestamp FROM document WHERE key=?");
  if (!query.bind(key).step()) return false;
  const auto is_amended = document.timestamp == 0;
  const UserId from{query.id()};
  const auto type = static_cast<protocol::FrameType>(query.integer());
  document.timestamp = query.integer();
  if (is_amended) document.from = from, document.type = type;
  return true;
}

SqliteSearchIndex::Work SqliteSearchIndex::prepared(const SearchUpdate& update, const Era& era) {
  Work work{&update, stretches_of(update.conversation)};
  auto& stretches = work.stretches;
  const auto known_to = stretches.empty() ? 0 : stretches.back().indexed_to;
  const bool has_new = std::any_of(update.documents.begin(), update.documents.end(),
                                   [&](const auto& d) { return d.timestamp != 0 && d.seq > known_to; });
  if (stretches.empty() || (has_new && stretches.back().era != era.id))
    stretches.push_back(add_stretch(update.conversation, era, stretches.empty() ? nullptr : &stretches.back()));
  return work;
}

void SqliteSearchIndex::write(Work& work, Era& era) {
  auto& last = work.stretches.back();
  for (auto document : work.update->documents) {
    const auto after = std::upper_bound(work.stretches.begin(), work.stretches.end(), document.seq,
                                        [](auto seq, const auto& stretch) { return seq < stretch.first_seq; });
    if (after == work.stretches.begin()) continue;
    const auto key = row_key(std::prev(after)->id, document.seq);
    const bool is_there = complete(key, document);
    if (is_there) remove(key);
    if (document.text.empty() || document.timestamp == 0) continue;
    if (!is_there && after == work.stretches.end()) {
      document.timestamp = last.newest = std::max(last.newest, document.timestamp);
      ++era.documents;
      era.oldest = std::min(era.oldest, document.timestamp);
      era.newest = std::max(era.newest, document.timestamp);
    }
    put(key, document);
  }
  writer_->query("UPDATE stretch SET indexed_to=?, newest=? WHERE id=?")
      .bind(std::max(last.indexed_to, work.update->indexed_to))
      .bind(last.newest)
      .bind(last.id)
      .run();
}

void SqliteSearchIndex::update(const std::vector<SearchUpdate>& updates) {
  writer_->execute("BEGIN IMMEDIATE");
  try {
    auto era = open_era();
    std::vector<Work> works;
    for (const auto& update : updates) works.push_back(prepared(update, era));
    // FTS5 begins a new segment whenever a row comes before the last one.
    std::sort(works.begin(), works.end(),
              [](const auto& a, const auto& b) { return a.stretches.back().id < b.stretches.back().id; });
    for (auto& work : works) write(work, era);
    save(era);
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

std::vector<SearchHit> SqliteSearchIndex::find(const std::vector<SearchPlace>& places,
                                               const std::vector<base::SearchTerm>& terms, const SearchFilter& filter,
                                               const std::optional<SearchHit>& after, std::size_t limit) {
  auto sorted = places;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.conversation < b.conversation; });
  auto reader = take_reader();
  // One state of the index for all that is asked. What throws leaves the reader, and its transaction, behind.
  reader->execute("BEGIN");
  auto hits = SearchLookup(*reader, sorted, terms, filter, after, limit).run();
  reader->execute("COMMIT");
  give_back(std::move(reader));
  return hits;
}

}  // namespace simpleim::store::sqlite
