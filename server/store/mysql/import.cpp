#include "store/mysql/import.h"

#include <openssl/evp.h>

#include <algorithm>

#include "store/message_archive.h"
#include "store/mysql/schema.h"
#include "store/sql/packed_id.h"

namespace simpleim::store::mysql {
namespace {

/// Settings: what is copied, "" when it is finished; and how far the archive has come.
constexpr std::string_view kSource = "import.source";
constexpr std::string_view kArchived = "import.archived";
/// Messages that one query of the archive brings.
constexpr std::size_t kArchivePage = 500;

/// SHA-256 of rows, with the size of each value, so that no two different rows look the same.
class Digest {
 public:
  Digest() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(const sql::Row& row) {
    for (const auto& value : row) {
      const auto size = std::to_string(value.size()) + ":";
      EVP_DigestUpdate(context_.get(), size.data(), size.size());
      EVP_DigestUpdate(context_.get(), value.data(), value.size());
    }
    ++rows_;
  }
  std::int64_t rows() const { return rows_; }
  std::string hex() {
    std::array<unsigned char, 32> hash{};
    EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr);
    std::string text;
    for (const auto byte : hash) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_{EVP_MD_CTX_new()};
  std::int64_t rows_ = 0;
};

std::string describe(const sql::Table& table, std::int64_t rows, const std::string& digest) {
  return std::string(table.name) + ": " + std::to_string(rows) + " rows, sha256 " + digest.substr(0, 16);
}

/// From a row of message_table().
MessageArchive::Entry entry_of(const sql::Row& row) {
  const auto integer = [&](std::size_t i) { return static_cast<std::int64_t>(std::stoll(row[i])); };
  const auto user = [&](std::size_t i) { return UserId{static_cast<std::uint64_t>(integer(i))}; };
  MessageArchive::Entry entry;
  entry.conversation_key = integer(0) >> 32;
  auto& m = entry.message;
  m.seq = integer(0) & sql::kSeqMask;
  m.id = MessageId::parse(sql::unpack_message_id(row[1])).value_or(MessageId());
  m.from = user(2);
  m.type = static_cast<protocol::FrameType>(integer(3));
  m.timestamp = integer(4);
  m.content = row[5];
  m.amendment.edited_at = integer(6);
  m.amendment.recalled_at = integer(7);
  m.amendment.recalled_by = user(8);
  m.amendment.version = integer(9);
  return entry;
}

bool same(const Message& a, const Message& b) {
  return a.seq == b.seq && a.id == b.id && a.from == b.from && a.type == b.type && a.timestamp == b.timestamp &&
         a.content == b.content && a.amendment.edited_at == b.amendment.edited_at &&
         a.amendment.recalled_at == b.amendment.recalled_at && a.amendment.recalled_by == b.amendment.recalled_by &&
         a.amendment.version == b.amendment.version;
}

bool is_amended(const Message& m) {
  return m.amendment.edited_at != 0 || m.amendment.recalled_at != 0 || m.amendment.version != 0;
}

}  // namespace

Import::Import(const MysqlOptions& options, MessageArchive* archive, const std::string& source)
    : db_(options, 0, Connection::Use::kWrite), archive_(archive) {
  migrate(db_);
  auto query = db_.query("SELECT GET_LOCK('simpleim.import', 0)");
  if (!query.step() || query.integer() != 1)
    throw StoreError(ErrorCode::kConflict, "another migration into this database is running");
  refuse_other_contents(source);
}

void Import::refuse_other_contents(const std::string& source) {
  const auto begun = setting(kSource);
  if (begun == source) return;
  if (!begun.empty())
    throw StoreError(ErrorCode::kConflict, "a migration from another folder was begun into this database (" + begun +
                                               "); finish that, or give this one an empty database");
  for (const auto& table : sql::tables())
    if (sql::count_rows(db_, table) > 0)
      throw StoreError(ErrorCode::kConflict, std::string("the database is not empty (it has rows in ") + table.name +
                                                 "); a migration needs an empty one");
  put_setting(kSource, source);
}

std::string Import::setting(std::string_view name) {
  auto query = db_.query("SELECT value FROM setting WHERE name=?");
  return query.bind(name).step() ? query.text() : "";
}

void Import::put_setting(std::string_view name, std::string_view value) {
  db_.query("INSERT OR REPLACE INTO setting(name, value) VALUES(?, ?)").bind(name).bind_blob(value).run();
  db_.flush();
}

std::int64_t Import::count(sql::Connection& from) {
  std::int64_t rows = sql::count_rows(from, sql::message_table());
  for (const auto& table : sql::tables()) rows += sql::count_rows(from, table);
  return rows;
}

void Import::copy(sql::Connection& from, const Progress& progress) {
  const auto copy_table = [&](const sql::Table& table) {
    progress(sql::count_rows(db_, table));
    sql::TableReader reader(from, table, sql::last_key(db_, table));
    while (true) {
      const auto& rows = reader.next();
      if (rows.empty()) return;
      insert(table, rows);
      progress(static_cast<std::int64_t>(rows.size()));
    }
  };
  for (const auto& table : sql::tables()) copy_table(table);
  if (archive_ == nullptr) copy_table(sql::message_table());
  else archive_messages(from, progress);
}

void Import::insert(const sql::Table& table, const std::vector<sql::Row>& rows) {
  const auto head = std::string("INSERT INTO ") + table.name + "(" + table.columns + ") VALUES ";
  db_.defer("START TRANSACTION");
  for (const auto& row : rows) {
    std::string values = "(";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) values += ',';
      const char kind = table.kinds[i];
      if (kind == 't') db_.append_text(values, row[i]);
      else if (kind == 'b') Connection::append_blob(values, row[i]);
      else if (kind == 'n' && row[i] == "0") values += "NULL";
      else values += row[i];
    }
    values += ')';
    db_.defer_row(head.c_str(), values);
  }
  db_.defer("COMMIT");
  db_.flush();
}

/// What is there already of the rows behind the mark was left by a try that was broken off: the same messages.
void Import::archive_messages(sql::Connection& from, const Progress& progress) {
  const auto mark = setting(kArchived);
  if (!mark.empty()) {
    auto query = from.query("SELECT count(*) FROM message WHERE message.key <= ?");
    if (query.bind(static_cast<std::int64_t>(std::stoll(mark))).step()) progress(query.integer());
  }
  sql::TableReader reader(from, sql::message_table(), mark.empty() ? sql::Row() : sql::Row{mark});
  while (true) {
    const auto& rows = reader.next();
    if (rows.empty()) return;
    std::vector<MessageArchive::Entry> entries;
    for (const auto& row : rows) entries.push_back(entry_of(row));
    (void)archive_->insert(entries);
    for (const auto& entry : entries)
      if (is_amended(entry.message)) archive_->amend(entry.conversation_key, entry.message);
    put_setting(kArchived, rows.back().front());
    progress(static_cast<std::int64_t>(rows.size()));
  }
}

std::string Import::verify(sql::Connection& from, const Progress& progress,
                           const std::function<void(const std::string& line)>& report) {
  std::vector<std::string> differences;
  const auto digest_of = [&](sql::Connection& db, const sql::Table& table, bool shown) {
    Digest digest;
    sql::TableReader reader(db, table);
    while (true) {
      const auto& rows = reader.next();
      if (rows.empty()) break;
      for (const auto& row : rows) digest.add(row);
      if (shown) progress(static_cast<std::int64_t>(rows.size()));
    }
    return digest;
  };
  const auto compare = [&](const sql::Table& table) {
    auto here = digest_of(from, table, true);
    auto there = digest_of(db_, table, false);
    const auto ours = describe(table, here.rows(), here.hex());
    const auto theirs = describe(table, there.rows(), there.hex());
    report(ours);
    if (ours != theirs) differences.push_back(ours + " became " + theirs);
  };
  for (const auto& table : sql::tables()) compare(table);
  if (archive_ == nullptr) {
    compare(sql::message_table());
  } else {
    std::string difference;
    const auto rows = compare_archived(from, progress, difference);
    report("message: " + std::to_string(rows) + " rows, each compared");
    if (!difference.empty()) differences.push_back(difference);
  }
  return differences.empty() ? "" : differences.front();
}

std::int64_t Import::compare_archived(sql::Connection& from, const Progress& progress, std::string& difference) {
  std::int64_t compared = 0;
  sql::TableReader reader(from, sql::message_table());
  while (true) {
    const auto& rows = reader.next();
    if (rows.empty()) return compared;
    std::vector<MessageArchive::Entry> entries;
    for (const auto& row : rows) entries.push_back(entry_of(row));
    for (std::size_t begin = 0; begin < entries.size();) {
      auto end = begin + 1;
      while (end < entries.size() && end - begin < kArchivePage &&
             entries[end].conversation_key == entries[begin].conversation_key)
        ++end;
      const auto& first = entries[begin];
      const auto there = archive_->between(first.conversation_key, first.message.seq, entries[end - 1].message.seq,
                                           end - begin + 1, false);
      const auto alike = [](const MessageArchive::Entry& a, const Message& b) { return same(a.message, b); };
      if (!std::equal(entries.begin() + static_cast<std::ptrdiff_t>(begin),
                      entries.begin() + static_cast<std::ptrdiff_t>(end), there.begin(), there.end(), alike) &&
          difference.empty())
        difference = "message: conversation " + std::to_string(first.conversation_key) + ", messages " +
                     std::to_string(first.message.seq) + " to " + std::to_string(entries[end - 1].message.seq) +
                     " are not the same";
      compared += static_cast<std::int64_t>(end - begin);
      begin = end;
    }
    progress(static_cast<std::int64_t>(rows.size()));
  }
}

void Import::finish(const std::string& jwt_key) {
  put_setting("jwt_key", jwt_key);
  put_setting(kSource, "");
}

std::string import_problem(Connection& db) {
  auto query = db.query("SELECT value FROM setting WHERE name=?");
  if (!query.bind(kSource).step()) return "";
  const auto source = query.text();
  if (source.empty()) return "";
  return "simpleim migrate fills this database and is not finished; run it again to the end (from " + source + ")";
}

}  // namespace simpleim::store::mysql
