#include "store/mysql/schema.h"

#include <mysqld_error.h>

#include "store/sql/schema.h"

namespace simpleim::store::mysql {
namespace {

std::int64_t version_of(Connection& db) {
  auto query = db.query("SELECT max(version) FROM schema_version");
  return query.step() ? query.integer() : 0;
}

/// A step that was done before its number was written says so.
bool is_done_already(const MysqlError& error) {
  switch (error.number()) {
    case ER_TABLE_EXISTS_ERROR:
    case ER_DUP_FIELDNAME:
    case ER_DUP_KEYNAME:
    case ER_CANT_DROP_FIELD_OR_KEY:
      return true;
    default:
      return false;
  }
}

void run_step(Connection& db, const std::string& step) {
  if (step.empty()) return;
  try {
    db.defer(step);
    db.flush();
  } catch (const MysqlError& error) {
    if (!is_done_already(error)) throw;
    db.discard();
  }
}

}  // namespace

void migrate(Connection& db) {
  db.defer("SELECT GET_LOCK('simpleim.schema', 60)");
  db.defer("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY) ENGINE=InnoDB");
  db.defer("INSERT IGNORE INTO schema_version VALUES(0)");
  const auto steps = sql::schema_steps(sql::Dialect::kMysql);
  for (auto i = sql::steps_done(sql::Dialect::kMysql, version_of(db)); i < steps.size(); ++i) {
    run_step(db, steps[i]);
    db.defer("INSERT INTO schema_version VALUES(" + std::to_string(sql::version_after(i + 1)) + ")");
  }
  db.defer("DO RELEASE_LOCK('simpleim.schema')");
  db.flush();
}

}  // namespace simpleim::store::mysql
