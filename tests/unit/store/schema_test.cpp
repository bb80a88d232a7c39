#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "servers/mariadb_server.h"
#include "store/mysql/schema.h"
#include "store/sql/schema.h"
#include "store/sql/tables.h"
#include "store/sqlite/schema.h"
#include "support.h"

/// Databases that earlier releases made (tests/unit/store/released) come to the same schema as new ones.
namespace simpleim::test {
namespace {

std::string released(const std::string& name) {
  std::ifstream file(std::string(SIMPLEIM_SOURCE_DIR) + "/tests/unit/store/released/" + name + ".sql");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string rows_of(store::sql::Connection& db, const char* sql, int columns) {
  std::string rows;
  auto query = db.query(sql);
  while (query.step()) {
    for (int i = 0; i < columns; ++i) rows += query.text() + "|";
    rows += "\n";
  }
  return rows;
}

/// Columns with their types and defaults, and the columns of every index.
std::string describe_sqlite(store::sqlite::Connection& db) {
  return rows_of(db,
                 "SELECT t.name, c.name, c.type, c.\"notnull\", replace(replace(ifnull(c.dflt_value, ''), '(', ''), "
                 "')', ''), "
                 "c.pk FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type='table' ORDER BY 1, 2",
                 6) +
         rows_of(db,
                 "SELECT t.name, ifnull((SELECT i.name WHERE i.origin='c'), ''), i.\"unique\", i.partial, "
                 "(SELECT group_concat(x.name) FROM pragma_index_info(i.name) x) FROM sqlite_schema t, "
                 "pragma_index_list(t.name) i WHERE t.type='table' ORDER BY 1, 2, 5",
                 5);
}

std::string describe_mysql(store::mysql::Connection& db) {
  return rows_of(
             db,
             "SELECT table_name, column_name, column_type, is_nullable, ifnull(column_default, '') FROM "
             "information_schema.columns WHERE table_schema=database() AND table_name<>'schema_version' ORDER BY 1, 2",
             5) +
         rows_of(
             db,
             "SELECT table_name, non_unique, group_concat(column_name ORDER BY seq_in_index) FROM "
             "information_schema.statistics WHERE table_schema=database() AND table_name<>'schema_version' GROUP BY "
             "table_name, index_name, non_unique ORDER BY 1, 3",
             3);
}

/// A statement after the other, without the comments between them.
void execute_all(store::mysql::Connection& db, const std::string& text) {
  std::istringstream lines(text);
  std::string statement;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("--") || line.empty()) continue;
    statement += line + "\n";
    if (!line.ends_with(';')) continue;
    statement.erase(statement.rfind(';'));
    db.defer(statement);
    db.flush();
    statement.clear();
  }
}

}  // namespace

TEST(Schema, BringsEveryReleasedSqliteDatabaseToTheNewest) {
  TempDir dir;
  store::sqlite::Connection fresh(dir.file("fresh.db"), store::sqlite::Connection::Access::kReadWrite);
  store::sqlite::migrate(fresh);
  const auto wanted = describe_sqlite(fresh);
  for (int version = 1; version <= 4; ++version) {
    store::sqlite::Connection db(dir.file(std::to_string(version) + ".db"),
                                 store::sqlite::Connection::Access::kReadWrite);
    for (int i = 1; i <= version; ++i) db.execute(released("sqlite_" + std::to_string(i)).c_str());
    db.execute(("PRAGMA user_version=" + std::to_string(version)).c_str());
    store::sqlite::migrate(db);
    EXPECT_EQ(describe_sqlite(db), wanted) << "from " << version;
    store::sqlite::migrate(db);
  }
}

TEST(Schema, BringsTheReleasedMysqlDatabaseToTheNewest) {
  auto& server = MariaDbServer::shared();
  const auto options = server.options();
  store::mysql::Connection fresh(options, 0, store::mysql::Connection::Use::kWrite);
  store::mysql::migrate(fresh);
  store::mysql::Connection db(server.options(), 0, store::mysql::Connection::Use::kWrite);
  execute_all(db, released("mysql_1"));
  db.defer("CREATE TABLE schema_version (version BIGINT PRIMARY KEY)");
  db.defer("INSERT INTO schema_version VALUES(0),(1)");
  store::mysql::migrate(db);
  EXPECT_EQ(describe_mysql(db), describe_mysql(fresh));
}

TEST(Schema, GoesOnWhereMysqlWasBrokenOff) {
  store::mysql::Connection db(MariaDbServer::shared().options(), 0, store::mysql::Connection::Use::kWrite);
  store::mysql::migrate(db);
  const auto wanted = describe_mysql(db);
  // As if the node had ended behind a statement and in front of its number, with others still to come.
  const auto steps = store::sql::schema_steps(store::sql::Dialect::kMysql);
  const auto log = std::find_if(steps.begin(), steps.end(),
                                [](const std::string& step) { return step.starts_with("CREATE TABLE commit_log"); });
  const auto before = static_cast<std::size_t>(log - steps.begin()) - 2;
  db.defer("DELETE FROM schema_version WHERE version > " + std::to_string(store::sql::version_after(before)));
  db.defer("DROP TABLE setting");
  db.defer("DROP TABLE commit_log");
  store::mysql::migrate(db);
  EXPECT_EQ(describe_mysql(db), wanted);
}

TEST(Schema, RefusesADatabaseOfANewerRelease) {
  TempDir dir;
  store::sqlite::Connection db(dir.file("newer.db"), store::sqlite::Connection::Access::kReadWrite);
  db.execute("PRAGMA user_version=999");
  EXPECT_THROW(store::sqlite::migrate(db), store::StoreError);
}

TEST(Schema, SaysWhichColumnsAreCopied) {
  const auto all = store::sql::tables();
  const auto table = [&](const std::string& name) {
    for (const auto& t : all)
      if (t.name == name) return t;
    return store::sql::Table{};
  };
  EXPECT_EQ(all.size(), 16u);
  EXPECT_EQ(all.front().name, "user");
  EXPECT_EQ(table("conversation").columns, "id,low,high,last_seq,last_timestamp");
  EXPECT_EQ(table("conversation").kinds, "iiiii");
  EXPECT_EQ(table("mention").keys, 3u);
  EXPECT_TRUE(table("session").columns.ends_with("expires_at,generation,rotated_at,confirmed")) << "added since";
  EXPECT_EQ(table("session").kinds.size(), 13u);
  EXPECT_EQ(table("reaction").columns, "`key`,emoji,user_id");
  EXPECT_EQ(table("reaction").kinds, "iti");
  EXPECT_EQ(table("file").kinds, "iitittiiiitii");
  EXPECT_EQ(table("file").keys, 1u);
  EXPECT_EQ(table("upload").columns, "");
}

}  // namespace simpleim::test
