#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/sql/database.h"
#include "store/sql/schema.h"

/// Whole tables, row by row, for who brings a database to another one. Both have the same tables (docs/decisions/0015).
namespace simpleim::store::sql {

/// As in schema.h, with one kind more: n, integer or NULL.
using Table = TableDescription;

/// What is kept for good, but for messages. Not: uploads that are not whole.
std::span<const Table> tables();
const Table& message_table();

/// The columns as text, NULL as "0" (no column has both).
using Row = std::vector<std::string>;

/// The rows of a table, in order of the primary key. Reads some at a time: nothing is held open between two calls of
/// next(), and where to go on can be said.
class TableReader {
 public:
  static constexpr std::size_t kRows = 1000;

  /// From behind the row whose primary key is `after` (empty: all).
  TableReader(Connection& db, const Table& table, Row after = {});
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;
  /// The next rows, at most kRows; empty: there are no more.
  const std::vector<Row>& next();

 private:
  Connection& db_;
  const Table& table_;
  const char* const first_sql_;
  const char* const next_sql_;
  Row after_;
  std::vector<Row> rows_;
};

/// The primary key of the last row; empty: there is none.
Row last_key(Connection& db, const Table& table);
std::int64_t count_rows(Connection& db, const Table& table);

}  // namespace simpleim::store::sql
