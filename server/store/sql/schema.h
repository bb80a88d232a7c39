#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The tables of SQLite and of MySQL, written once (docs/decisions/0019). Each step is one statement that can be
/// repeated: MySQL has no transactions around them, and a node may end in the middle.
namespace simpleim::store::sql {

enum class Dialect { kSqlite, kMysql };

/// The statements of all steps, for one of the two; "": there is nothing to do there. Released ones never change.
std::vector<std::string> schema_steps(Dialect dialect);

/// How many of them a database has had, by the number it says (SQLite's user_version, MySQL's schema_version). Throws
/// StoreError when a newer release made it.
std::size_t steps_done(Dialect dialect, std::int64_t version);
/// The number that says so.
std::int64_t version_after(std::size_t steps);

/// A table as its step describes it.
struct TableDescription {
  std::string name;
  /// Separated by commas, the primary key's first; without what only one of the databases has.
  std::string columns;
  /// One letter a column: i integer, t text, b bytes.
  std::string kinds;
  /// Columns of the primary key.
  std::size_t keys = 0;
};
/// Those that `simpleim migrate` copies, in the order of the steps: what others refer to first.
std::vector<TableDescription> copied_tables();

}  // namespace simpleim::store::sql
