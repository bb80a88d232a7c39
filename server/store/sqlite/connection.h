#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/sql/row_key.h"

namespace simpleim::store::sqlite {

using sql::key_of;
using sql::kSeqMask;
using sql::Query;
using sql::row_key;

/// A prepared statement, kept by its connection.
class SqliteStatement final : public sql::Statement {
 public:
  void prepare(sqlite3* db, const char* sql);
  sqlite3_stmt* handle() const { return statement_; }

  void bind(std::int64_t value) override;
  void bind_text(std::string_view text) override;
  void bind_blob(std::string_view bytes) override;
  bool step() override;
  void run() override { (void)step(); }
  void again() override;
  std::int64_t integer() override;
  std::string_view bytes() override;
  void release() override;

 private:
  sqlite3* db_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int column_ = 0;
};

/// A connection to the database file with its prepared statements. One thread at a time.
class Connection final : public sql::Connection {
 public:
  enum class Access { kReadWrite, kReadOnly };

  Connection(const std::string& path, Access access);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Query query(const char* sql) override;
  /// One or more statements without values or rows.
  void execute(const char* sql);
  std::int64_t changes() override { return sqlite3_changes(db_); }
  sqlite3* handle() { return db_; }

 private:
  sqlite3* db_ = nullptr;
  std::unordered_map<const char*, SqliteStatement> statements_;
};

[[noreturn]] void throw_error(sqlite3* db, const char* what);

}  // namespace simpleim::store::sqlite
