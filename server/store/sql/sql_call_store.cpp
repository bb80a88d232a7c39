#include "store/sql/sql_call_store.h"

namespace simpleim::store::sql {
namespace {

#define CALL_COLUMNS "id, caller_id, callee_id, video, began_at, answered_at, due_at, offer"

Call read_call(Query& q) {
  Call c;
  c.id = q.text();
  c.caller = UserId{q.id()};
  c.callee = UserId{q.id()};
  c.video = q.flag();
  c.began_ms = q.integer();
  c.answered_ms = q.integer();
  c.due_ms = q.integer();
  c.offer = q.text();
  return c;
}

}  // namespace

std::optional<Call> SqlCallStore::call(const std::string& id) {
  auto db = db_.read();
  auto query = db->query("SELECT " CALL_COLUMNS " FROM current_call WHERE id=?");
  if (!query.bind(std::string_view(id)).step()) return std::nullopt;
  return read_call(query);
}

bool SqlCallStore::is_in_call(UserId user) {
  auto db = db_.read();
  auto query = db->query(
      "SELECT EXISTS (SELECT 1 FROM current_call WHERE caller_id=?) OR EXISTS (SELECT 1 FROM current_call WHERE "
      "callee_id=?)");
  return query.bind(user.value).bind(user.value).step() && query.flag();
}

std::vector<Call> SqlCallStore::due(std::int64_t now_ms, std::size_t limit) {
  std::vector<Call> found;
  auto db = db_.read();
  auto query = db->query("SELECT " CALL_COLUMNS " FROM current_call WHERE due_at <= ? ORDER BY due_at LIMIT ?");
  query.bind(now_ms).bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(read_call(query));
  return found;
}

void SqlCallStore::create(const Call& call) {
  db_.write()
      .query("INSERT INTO current_call(" CALL_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(std::string_view(call.id))
      .bind(call.caller.value)
      .bind(call.callee.value)
      .bind(call.video)
      .bind(call.began_ms)
      .bind(call.answered_ms)
      .bind(call.due_ms)
      .bind(std::string_view(call.offer))
      .run();
}

std::vector<Call> SqlCallStore::ringing_for(UserId callee) {
  std::vector<Call> found;
  auto db = db_.read();
  auto query = db->query("SELECT " CALL_COLUMNS " FROM current_call WHERE callee_id=? AND answered_at=0");
  query.bind(callee.value);
  while (query.step()) found.push_back(read_call(query));
  return found;
}

bool SqlCallStore::answer(const Call& call) {
  auto& db = db_.write();
  db.query("UPDATE current_call SET answered_at=?, due_at=? WHERE id=? AND answered_at=0")
      .bind(call.answered_ms)
      .bind(call.due_ms)
      .bind(std::string_view(call.id))
      .run();
  return db.changes() == 1;
}

void SqlCallStore::set_due(const std::string& id, std::int64_t due_ms) {
  db_.write().query("UPDATE current_call SET due_at=? WHERE id=?").bind(due_ms).bind(std::string_view(id)).run();
}

bool SqlCallStore::remove(const std::string& id) {
  auto& db = db_.write();
  db.query("DELETE FROM current_call WHERE id=?").bind(std::string_view(id)).run();
  return db.changes() == 1;
}

}  // namespace simpleim::store::sql
