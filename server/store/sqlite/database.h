#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/sqlite/connection.h"

namespace simpleim::store::sqlite {

/// The database file: one write connection with the batch in progress, a pool of read connections,
/// and a thread that copies the write-ahead log back into the file (checkpoints).
class Database final : public sql::Database {
 public:
  /// Opens or creates `path`, checks its integrity quickly and migrates it. Throws StoreError.
  Database(std::string path, std::size_t readers);
  ~Database() override;

  Lease read() override;

  /// This thread has the batch open.
  bool in_batch() const { return batch_thread_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }
  Connection& write() override;

  void begin();
  /// Returns when the batch is on the disk. Throws StoreError, and then the batch is undone.
  void commit();
  void rollback();
  void mark();
  void undo_to_mark();

 private:
  void open_writer();
  void give_back(std::unique_ptr<sql::Connection> connection) override;
  void checkpoint_loop();
  /// Ends a checkpoint on the writer's own thread, so that the log can start over.
  void finish_checkpoint();

  const std::string path_;
  std::unique_ptr<Connection> writer_;
  std::atomic<std::thread::id> batch_thread_{};

  std::mutex pool_mutex_;
  std::condition_variable pool_ready_;
  std::vector<std::unique_ptr<sql::Connection>> pool_;

  enum class Checkpoint { kNone, kWanted, kRunning, kNearlyDone };
  std::mutex checkpoint_mutex_;
  std::condition_variable checkpoint_ready_;
  std::atomic<Checkpoint> checkpoint_{Checkpoint::kNone};
  /// Pages in the log, and how many of them the last commit wrote.
  int log_pages_ = 0;
  int commit_pages_ = 0;
  bool stopping_ = false;
  std::thread checkpointer_;
};

}  // namespace simpleim::store::sqlite
