#pragma once

#include <functional>

#include "store/message_archive.h"
#include "store/mysql/connection.h"
#include "store/sql/tables.h"

namespace simpleim::store::mysql {

/// Fills a new MySQL database, and perhaps an archive of messages, with what another database of the same tables has
/// (`simpleim migrate`). Goes on where an earlier one was broken off: rows go in by order of their keys, a transaction
/// at a time, so the last one that is there says how far it came. While it is not finished no node starts on the
/// database. One thread; deadlines are those of `options`.
class Import {
 public:
  /// Called after each step with how many rows have been copied (or compared) since the last call.
  using Progress = std::function<void(std::int64_t rows)>;

  /// `archive`: where messages go; null: into MySQL. `source`: identifies what is copied. Throws StoreError when the
  /// database has something else in it, or another import runs.
  Import(const MysqlOptions& options, MessageArchive* archive, const std::string& source);

  /// Rows that copy() and verify() go through each.
  static std::int64_t count(sql::Connection& from);
  void copy(sql::Connection& from, const Progress& progress);
  /// Reads everything on both sides. "" when each table has as many rows with the same SHA-256, else what differs.
  /// `report` gets a line a table.
  std::string verify(sql::Connection& from, const Progress& progress,
                     const std::function<void(const std::string& line)>& report);
  /// The key of sign-ins becomes this one, and nodes may start.
  void finish(const std::string& jwt_key);

 private:
  void refuse_other_contents(const std::string& source);
  std::string setting(std::string_view name);
  void put_setting(std::string_view name, std::string_view value);
  void insert(const sql::Table& table, const std::vector<sql::Row>& rows);
  void archive_messages(sql::Connection& from, const Progress& progress);
  std::int64_t compare_archived(sql::Connection& from, const Progress& progress, std::string& difference);

  Connection db_;
  MessageArchive* const archive_;
};

/// Why a node must not start on this database; "" when it may.
std::string import_problem(Connection& db);

}  // namespace simpleim::store::mysql
