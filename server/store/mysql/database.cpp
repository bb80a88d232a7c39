#include "store/mysql/database.h"

#include <mysqld_error.h>

#include "base/log.h"

namespace simpleim::store::mysql {
namespace {

constexpr std::string_view kStart = "START TRANSACTION";
constexpr std::int64_t kFirstPauseMs = 100;
constexpr std::int64_t kLongestPauseMs = 2000;
/// A connection that was idle for this long is tried before a batch relies on it.
constexpr std::int64_t kIdleMs = 500;

}  // namespace

Database::Database(MysqlOptions options, const base::Clock& clock)
    : options_(std::move(options)), clock_(clock), breaker_(clock, kFirstPauseMs, kLongestPauseMs, options_.metrics) {}

std::unique_ptr<Connection> Database::connect(Connection::Use use) {
  if (!breaker_.allow())
    throw StoreError(ErrorCode::kUnavailable, "MySQL has just failed; it will be tried again in a moment");
  const auto started_ms = clock_.steady_ms();
  for (std::size_t tried = 1;; ++tried) {
    auto host = host_.load();
    try {
      auto connection = std::make_unique<Connection>(options_, host, use);
      breaker_.succeeded();
      if (use == Connection::Use::kWrite) note_writing("");
      return connection;
    } catch (const StoreError& e) {
      host_.compare_exchange_strong(host, (host + 1) % options_.hosts.size());
      // One that said no at once leaves time for the next; after one that did not answer the next call asks it.
      if (tried < options_.hosts.size() && clock_.steady_ms() - started_ms < options_.deadline_ms / 4) continue;
      breaker_.failed();
      if (use == Connection::Use::kWrite) note_writing(e.what());
      throw;
    }
  }
}

Database::Lease Database::read() {
  if (in_batch()) return Lease(*this, nullptr, write());
  std::unique_ptr<sql::Connection> connection;
  {
    std::unique_lock lock(pool_mutex_);
    if (!pool_ready_.wait_for(lock, std::chrono::milliseconds(options_.deadline_ms),
                              [this] { return !pool_.empty() || lent_ < options_.readers; }))
      throw StoreError(ErrorCode::kUnavailable, "no connection to MySQL is free");
    ++lent_;
    // Those to a host that is no longer the one in use may tell what is old.
    while (!pool_.empty() && !connection) {
      if (static_cast<Connection&>(*pool_.back()).host() == host_) connection = std::move(pool_.back());
      pool_.pop_back();
    }
  }
  if (!connection) {
    try {
      connection = connect(Connection::Use::kRead);
    } catch (...) {
      give_back(nullptr);
      throw;
    }
  }
  auto& used = *connection;
  return Lease(*this, std::move(connection), used);
}

/// A lost one is not kept, and neither are those of its age, which are probably as dead.
void Database::give_back(std::unique_ptr<sql::Connection> connection) {
  std::vector<std::unique_ptr<sql::Connection>> dead;
  if (connection && static_cast<Connection&>(*connection).is_lost()) {
    breaker_.failed();
    dead.push_back(std::move(connection));
  }
  {
    const std::lock_guard lock(pool_mutex_);
    --lent_;
    if (connection) pool_.push_back(std::move(connection));
    if (!dead.empty()) std::move(pool_.begin(), pool_.end(), std::back_inserter(dead)), pool_.clear();
  }
  pool_ready_.notify_one();
}

Connection& Database::write() {
  if (!in_batch()) throw std::logic_error("a write outside a batch");
  return *writer_;
}

bool Database::begin() {
  if (writer_ && (writer_->is_lost() || writer_->host() != host_ ||
                  (clock_.steady_ms() - used_ms_ > kIdleMs && !writer_->is_alive())))
    writer_.reset();
  if (!writer_) writer_ = connect(Connection::Use::kWrite);
  if (!doubtful_.empty()) (void)settle_doubt();
  writer_->discard();
  writer_->defer(kStart);
  flushes_at_begin_ = writer_->flushes();
  deferrals_at_begin_ = writer_->deferrals();
  marks_ = 0;
  batch_thread_ = std::this_thread::get_id();
  return std::exchange(writer_host_, writer_->host()) != writer_->host();
}

/// Puts the row of the doubtful batch into the log: when it is there already, the batch was stored; when it was not, it
/// cannot be any more, even if the server is still busy with it (it waits for it here).
bool Database::settle_doubt() {
  std::string row = "(";
  Connection::append_blob(row, doubtful_);
  row += ", '', " + std::to_string(clock_.now_ms()) + ", '')";
  bool stored = false;
  try {
    writer_->defer_row("INSERT INTO commit_log(token, node, at, changes) VALUES ", row);
    writer_->flush();
  } catch (const MysqlError& e) {
    if (e.number() != ER_DUP_ENTRY) {
      writer_.reset();
      throw;
    }
    stored = true;
  }
  doubtful_.clear();
  base::log::warn("a batch whose commit was not confirmed", {{"stored", stored ? "yes" : "no"}});
  return stored;
}

void Database::commit(std::string_view token) {
  batch_thread_ = std::thread::id();
  const auto started_ms = used_ms_ = clock_.steady_ms();
  try {
    writer_->defer("COMMIT");
    writer_->flush();
    return;
  } catch (const MysqlError& e) {
    if (!e.is_lost()) {
      rollback();
      throw;
    }
    doubtful_ = token;
    writer_.reset();
    // A server that has let the deadline pass will hardly answer now; the next batch asks it.
    if (clock_.steady_ms() - started_ms > options_.deadline_ms / 2) {
      breaker_.failed();
      throw;
    }
  }
  writer_ = connect(Connection::Use::kWrite);
  if (!settle_doubt()) throw StoreError(ErrorCode::kUnavailable, "MySQL closed the connection before the commit", true);
}

void Database::rollback() {
  batch_thread_ = std::thread::id();
  if (!writer_) return;
  used_ms_ = clock_.steady_ms();
  writer_->discard();
  if (!is_open()) return;
  try {
    writer_->defer("ROLLBACK");
    writer_->flush();
  } catch (const StoreError&) {
    writer_.reset();  // the server rolls back by itself what has no connection
  }
}

void Database::mark() {
  auto& db = write();
  mark_ = db.deferred();
  flushes_at_mark_ = db.flushes();
  db.defer("SAVEPOINT task");
  ++marks_;
}

void Database::undo_to_mark() {
  auto& db = write();
  if (db.flushes() == flushes_at_mark_) return db.truncate(mark_);
  db.discard();
  db.defer("ROLLBACK TO task");
  ++marks_;
}

void Database::note_writing(const std::string& problem) {
  const std::lock_guard lock(pool_mutex_);
  writing_problem_ = problem;
}

std::string Database::health() {
  {
    const std::lock_guard lock(pool_mutex_);
    if (!writing_problem_.empty()) return writing_problem_;
  }
  try {
    // A node that has nothing to store would not notice otherwise.
    auto db = read();
    auto query = db->query("SELECT @@global.read_only");
    if (!query.step()) return "MySQL does not answer";
    return query.text() == "0" ? "" : read_only_problem(options_.hosts[host_].text());
  } catch (const StoreError& e) {
    return e.what();
  }
}

}  // namespace simpleim::store::mysql
