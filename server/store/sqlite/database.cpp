#include "store/sqlite/database.h"

#include <pthread.h>

#include "base/log.h"
#include "store/sqlite/schema.h"

namespace simpleim::store::sqlite {
namespace {

/// Pages in the write-ahead log after which a checkpoint is due. A checkpoint syncs the file, and the
/// commits meanwhile wait for the disk: while commits are small (calm), small checkpoints keep that
/// wait at a few milliseconds; under load, large ones (64 MiB) copy a page once for many changes.
constexpr int kCalmCheckpointPages = 1024;
constexpr int kBusyCheckpointPages = 16384;
/// A commit of fewer pages than this is a small one.
constexpr int kSmallCommitPages = 32;

void check_integrity(Connection& db, const std::string& path) {
  auto query = db.query("PRAGMA quick_check(1)");
  const std::string verdict = query.step() ? query.text() : "no answer";
  if (verdict != "ok")
    throw StoreError(ErrorCode::kInternal,
                     path + " is damaged (" + verdict + "); restore a backup with: simpleim restore DIR");
}

bool is_small(Connection& db) {
  auto query = db.query("PRAGMA page_count");
  constexpr std::int64_t kPagesCheckedAtStart = 16384;
  return query.step() && query.integer() <= kPagesCheckedAtStart;
}

}  // namespace

Database::Database(std::string path, std::size_t readers) : path_(std::move(path)) {
  open_writer();
  // A full check reads the whole file; past 64 MiB that would cost the cold start its promise, and
  // `simpleim check` is there to do it. SQLite still refuses every damaged page it meets.
  if (is_small(*writer_)) check_integrity(*writer_, path_);
  migrate(*writer_);
  for (std::size_t i = 0; i < readers; ++i)
    pool_.push_back(std::make_unique<Connection>(path_, Connection::Access::kReadOnly));
  checkpointer_ = std::thread([this] { checkpoint_loop(); });
}

Database::~Database() {
  {
    const std::lock_guard lock(checkpoint_mutex_);
    stopping_ = true;
  }
  checkpoint_ready_.notify_all();
  if (checkpointer_.joinable()) checkpointer_.join();
}

void Database::open_writer() {
  // Ours only when it is set up whole: a half-made one must not take a batch.
  auto opened = std::make_unique<Connection>(path_, Connection::Access::kReadWrite);
  opened->execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
      "PRAGMA cache_size=-32768; PRAGMA journal_size_limit=134217728; PRAGMA temp_store=MEMORY; "
      "PRAGMA secure_delete=ON");  // what is recalled is overwritten, not only unlinked
  sqlite3_wal_hook(
      opened->handle(),
      [](void* self, sqlite3*, const char*, int pages) {
        auto& db = *static_cast<Database*>(self);
        db.commit_pages_ = pages - db.log_pages_;
        db.log_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  writer_ = std::move(opened);
}

Database::Lease Database::read() {
  if (in_batch()) return Lease(*this, nullptr, *writer_);
  std::unique_lock lock(pool_mutex_);
  pool_ready_.wait(lock, [this] { return !pool_.empty(); });
  auto connection = std::move(pool_.back());
  pool_.pop_back();
  auto& used = *connection;
  return Lease(*this, std::move(connection), used);
}

void Database::give_back(std::unique_ptr<sql::Connection> connection) {
  {
    const std::lock_guard lock(pool_mutex_);
    pool_.push_back(std::move(connection));
  }
  pool_ready_.notify_one();
}

Connection& Database::write() {
  if (!in_batch()) throw std::logic_error("a write outside a batch");
  return *writer_;
}

void Database::begin() {
  if (!writer_) {
    open_writer();
    base::log::warn("the database was opened anew after an I/O error");
  }
  if (checkpoint_.load() == Checkpoint::kNearlyDone) finish_checkpoint();
  writer_->query("BEGIN IMMEDIATE").run();
  batch_thread_ = std::this_thread::get_id();
}

void Database::commit() {
  try {
    writer_->query("COMMIT").run();
  } catch (const StoreError&) {
    rollback();
    throw;
  }
  batch_thread_ = std::thread::id();
  const bool small = commit_pages_ >= 0 && commit_pages_ < kSmallCommitPages;
  if (log_pages_ >= (small ? kCalmCheckpointPages : kBusyCheckpointPages) && checkpoint_.load() == Checkpoint::kNone) {
    {
      const std::lock_guard lock(checkpoint_mutex_);
      checkpoint_ = Checkpoint::kWanted;
    }
    checkpoint_ready_.notify_one();
  }
}

void Database::rollback() {
  batch_thread_ = std::thread::id();
  if (!writer_) return;
  // Looked at before ROLLBACK puts its own result in its place.
  const bool io_error = (sqlite3_errcode(writer_->handle()) & 0xff) == SQLITE_IOERR;
  if (sqlite3_get_autocommit(writer_->handle()) == 0)
    sqlite3_exec(writer_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  // After an I/O error nothing the connection holds in memory is trusted any more: the next batch
  // opens a new one, which reads what the disk really has.
  if (io_error) writer_.reset();
}

void Database::mark() { write().query("SAVEPOINT task").run(); }
void Database::undo_to_mark() { write().query("ROLLBACK TO task").run(); }

void Database::finish_checkpoint() {
  // What the background checkpoint left is small. When no reader is in the way the whole log is now
  // in the file, and the next batch writes over its beginning.
  sqlite3_wal_checkpoint_v2(writer_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  checkpoint_ = Checkpoint::kNone;
}

void Database::checkpoint_loop() {
  pthread_setname_np(pthread_self(), "checkpoint");
  std::unique_ptr<Connection> connection;
  std::unique_lock lock(checkpoint_mutex_);
  for (;;) {
    checkpoint_ready_.wait(lock, [this] { return stopping_ || checkpoint_ == Checkpoint::kWanted; });
    if (stopping_) return;
    checkpoint_ = Checkpoint::kRunning;
    lock.unlock();
    try {
      if (!connection) connection = std::make_unique<Connection>(path_, Connection::Access::kReadWrite);
      if (sqlite3_wal_checkpoint_v2(connection->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr) ==
          SQLITE_IOERR)
        connection.reset();
    } catch (const StoreError& e) {
      base::log::warn("a checkpoint failed and will be tried again", {{"what", e.what()}});
    }
    checkpoint_ = Checkpoint::kNearlyDone;
    lock.lock();
  }
}

}  // namespace simpleim::store::sqlite
