#include "store/sqlite/schema.h"

#include "store/sql/schema.h"

namespace simpleim::store::sqlite {
namespace {

std::int64_t version_of(Connection& db) {
  auto query = db.query("PRAGMA user_version");
  return query.step() ? query.integer() : 0;
}

}  // namespace

void migrate(Connection& db) {
  const auto steps = sql::schema_steps(sql::Dialect::kSqlite);
  const auto done = sql::steps_done(sql::Dialect::kSqlite, version_of(db));
  if (done == steps.size()) return;
  db.execute("BEGIN IMMEDIATE");
  try {
    for (auto i = done; i < steps.size(); ++i) db.execute(steps[i].c_str());
    db.execute(("PRAGMA user_version=" + std::to_string(sql::version_after(steps.size()))).c_str());
    db.execute("COMMIT");
  } catch (...) {
    sqlite3_exec(db.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

}  // namespace simpleim::store::sqlite
