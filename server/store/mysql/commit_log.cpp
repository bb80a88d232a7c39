#include "store/mysql/commit_log.h"

#include "base/random.h"

namespace simpleim::store::mysql {
namespace {

constexpr std::size_t kTokenBytes = 16;
constexpr std::int64_t kKeptMs = 10 * 60 * 1000;
constexpr std::int64_t kExpiredAtOnce = 1000;

LoggedCommit read_commit(Query& query) {
  LoggedCommit commit;
  commit.position = query.integer();
  commit.node = query.text();
  commit.changes = query.text();
  return commit;
}

}  // namespace

void MysqlCommitLog::append(std::string_view changes) {
  token_.resize(kTokenBytes);
  random_.fill(token_.data(), token_.size());
  db_.write()
      .query("INSERT INTO commit_log(token, node, at, changes) VALUES(?, ?, ?, ?)")
      .bind_blob(token_)
      .bind(std::string_view(db_.options().node))
      .bind(clock_.now_ms())
      .bind_blob(changes)
      .run();
}

std::string MysqlCommitLog::close_batch() {
  if (token_.empty()) append({});
  return std::exchange(token_, {});
}

std::vector<LoggedCommit> MysqlCommitLog::since(std::int64_t position, std::size_t limit) {
  std::vector<LoggedCommit> found;
  auto db = db_.read();
  auto query = db->query("SELECT id, node, changes FROM commit_log WHERE id > ? ORDER BY id LIMIT ?");
  query.bind(position).bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(read_commit(query));
  return found;
}

std::vector<std::int64_t> MysqlCommitLog::positions(std::int64_t after, std::int64_t to) {
  std::vector<std::int64_t> found;
  auto db = db_.read();
  auto query = db->query("SELECT id FROM commit_log WHERE id > ? AND id <= ? ORDER BY id");
  query.bind(after).bind(to);
  while (query.step()) found.push_back(query.integer());
  return found;
}

std::optional<LoggedCommit> MysqlCommitLog::at(std::int64_t position) {
  auto db = db_.read();
  auto query = db->query("SELECT id, node, changes FROM commit_log WHERE id=?");
  if (!query.bind(position).step()) return std::nullopt;
  return read_commit(query);
}

std::int64_t MysqlCommitLog::newest() {
  auto db = db_.read();
  auto query = db->query("SELECT ifnull(max(id), 0) FROM commit_log");
  return query.step() ? query.integer() : 0;
}

/// Rows stand in order of time, about: nothing behind the first one is looked at before that one is too old.
bool MysqlCommitLog::expire() {
  auto& db = db_.write();
  const auto too_old = clock_.now_ms() - kKeptMs;
  std::int64_t first = 0;
  {
    auto query = db.query("SELECT id, at FROM commit_log ORDER BY id LIMIT 1");
    if (!query.step()) return false;
    first = query.integer();
    if (query.integer() >= too_old) return false;
  }
  db.query("DELETE FROM commit_log WHERE id < ? AND at < ?").bind(first + kExpiredAtOnce).bind(too_old).run();
  return db.changes() > 0;
}

}  // namespace simpleim::store::mysql
