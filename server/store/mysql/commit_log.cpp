#include "store/mysql/commit_log.h"

#include "base/random.h"

namespace simpleim::store::mysql {
namespace {

constexpr std::size_t kTokenBytes = 16;
constexpr std::int64_t kKeptMs = 10 * 60 * 1000;
constexpr std::int64_t kExpiredAtOnce = 1000;

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
  while (query.step()) {
    LoggedCommit commit;
    commit.position = query.integer();
    commit.node = query.text();
    commit.changes = query.text();
    found.push_back(std::move(commit));
  }
  return found;
}

std::int64_t MysqlCommitLog::newest() {
  auto db = db_.read();
  auto query = db->query("SELECT ifnull(max(id), 0) FROM commit_log");
  return query.step() ? query.integer() : 0;
}

bool MysqlCommitLog::expire() {
  auto& db = db_.write();
  db.query("DELETE FROM commit_log WHERE at < ? ORDER BY id LIMIT ?")
      .bind(clock_.now_ms() - kKeptMs)
      .bind(kExpiredAtOnce)
      .run();
  return db.changes() == kExpiredAtOnce;
}

}  // namespace simpleim::store::mysql
