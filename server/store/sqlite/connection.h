#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/store.h"

namespace simpleim::store::sqlite {

/// A prepared statement in use: binds in order, steps, reads columns in order, and goes back to its
/// connection's cache clean when it goes out of scope. Texts are not copied by bind: they live until
/// the statement is done.
class Query {
 public:
  Query(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value);
  Query& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind(bool value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind(std::string_view text);
  Query& bind_blob(std::string_view bytes);

  /// True while there is a row. Throws StoreError.
  bool step();
  /// For statements without rows.
  void run() { (void)step(); }
  /// Runs it again with new values.
  Query& again();

  std::int64_t integer();
  std::uint64_t id() { return static_cast<std::uint64_t>(integer()); }
  bool flag() { return integer() != 0; }
  std::string text();
  /// Valid until the next step.
  std::string_view bytes();

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
  int column_ = 0;
};

/// A connection to the database file with its prepared statements. One thread at a time.
class Connection {
 public:
  enum class Access { kReadWrite, kReadOnly };

  Connection(const std::string& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// `sql` is a literal: statements are cached by its address.
  Query query(const char* sql);
  /// One or more statements without values or rows.
  void execute(const char* sql);
  /// Rows that the last statement changed.
  int changes() const { return sqlite3_changes(db_); }
  sqlite3* handle() { return db_; }

 private:
  sqlite3* db_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

[[noreturn]] void throw_error(sqlite3* db, const char* what);

}  // namespace simpleim::store::sqlite
