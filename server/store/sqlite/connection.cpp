#include "store/sqlite/connection.h"

namespace simpleim::store::sqlite {
namespace {

ErrorCode code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::kStorageFull;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

constexpr int kBusyTimeoutMs = 5000;

}  // namespace

void throw_error(sqlite3* db, const char* what) {
  const int code = db == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(db);
  throw StoreError(code_of(code), std::string(what) + ": " + (db == nullptr ? "out of memory" : sqlite3_errmsg(db)));
}

void SqliteStatement::prepare(sqlite3* db, const char* sql) {
  db_ = db;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) != SQLITE_OK)
    throw_error(db, sql);
}

void SqliteStatement::release() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bound_ = column_ = 0;
}

void SqliteStatement::bind(std::int64_t value) { sqlite3_bind_int64(statement_, ++bound_, value); }

void SqliteStatement::bind_text(std::string_view text) {
  sqlite3_bind_text(statement_, ++bound_, text.data() == nullptr ? "" : text.data(), static_cast<int>(text.size()),
                    SQLITE_STATIC);
}

void SqliteStatement::bind_blob(std::string_view bytes) {
  sqlite3_bind_blob(statement_, ++bound_, bytes.data() == nullptr ? "" : bytes.data(), static_cast<int>(bytes.size()),
                    SQLITE_STATIC);
}

bool SqliteStatement::step() {
  column_ = 0;
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  throw_error(db_, sqlite3_sql(statement_));
}

void SqliteStatement::again() {
  sqlite3_reset(statement_);
  bound_ = 0;
}

std::int64_t SqliteStatement::integer() { return sqlite3_column_int64(statement_, column_++); }

std::string_view SqliteStatement::bytes() {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column_));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column_++));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

Connection::Connection(const std::string& path, Access access) {
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (access == Access::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE);
  if (sqlite3_open_v2(path.c_str(), &db_, flags, nullptr) != SQLITE_OK) {
    const std::string message = db_ == nullptr ? "out of memory" : sqlite3_errmsg(db_);
    const int code = db_ == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(db_);
    sqlite3_close(db_);
    throw StoreError(code_of(code), "cannot open " + path + ": " + message);
  }
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, kBusyTimeoutMs);
  if (access == Access::kReadOnly) execute("PRAGMA query_only=ON");
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement.handle());
  sqlite3_close(db_);
}

Query Connection::query(const char* sql) {
  auto& statement = statements_[sql];
  if (statement.handle() == nullptr) statement.prepare(db_, sql);
  return Query(statement);
}

void Connection::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) throw_error(db_, sql);
}

}  // namespace simpleim::store::sqlite
