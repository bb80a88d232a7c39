#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/circuit_breaker.h"
#include "store/mysql/connection.h"

namespace simpleim::store::mysql {

/// The connections of one node: one that writes, with the batch in progress, and a pool to read with. A connection that
/// fails is replaced by a new one when it is next wanted; while the server does not answer, who asks is refused at once
/// (circuit breaker) instead of waiting for its deadline. Of several hosts it stays with one as long as that can be
/// written to, then goes to the next.
class Database final : public sql::Database {
 public:
  Database(MysqlOptions options, const base::Clock& clock);

  Lease read() override;
  bool in_batch() const { return batch_thread_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }
  Connection& write() override;

  /// True when it goes to another host than the batch before: what was known of the database may not be so there.
  bool begin();
  /// The batch's transaction has reached the server.
  bool is_open() const { return writer_ != nullptr && writer_->flushes() != flushes_at_begin_; }
  /// Something was written since begin().
  bool has_writes() const { return writer_->deferrals() != deferrals_at_begin_ + marks_; }
  /// Sends what waits and COMMIT. `token` is unique to the batch and stands in a row of commit_log: when the connection
  /// is lost meanwhile, it tells whether the batch was stored. Throws StoreError; then it was not, or (the server
  /// cannot be asked) that is unknown until the next begin() has found out.
  void commit(std::string_view token);
  void rollback();
  void mark();
  void undo_to_mark();
  const MysqlOptions& options() const { return options_; }
  std::string health();

 private:
  std::unique_ptr<Connection> connect(Connection::Use use);
  void give_back(std::unique_ptr<sql::Connection> connection) override;
  void note_writing(const std::string& problem);
  /// Whether the doubtful batch was stored.
  bool settle_doubt();

  const MysqlOptions options_;
  const base::Clock& clock_;
  base::CircuitBreaker breaker_;
  /// Of the hosts, the one in use.
  std::atomic<std::size_t> host_{0};
  std::unique_ptr<Connection> writer_;
  std::size_t writer_host_ = 0;
  std::atomic<std::thread::id> batch_thread_{};
  std::uint64_t flushes_at_begin_ = 0;
  std::uint64_t deferrals_at_begin_ = 0;
  std::uint64_t marks_ = 0;
  std::size_t mark_ = 0;
  std::uint64_t flushes_at_mark_ = 0;
  std::int64_t used_ms_ = 0;
  /// Of a batch that may or may not be stored.
  std::string doubtful_;

  std::mutex pool_mutex_;
  std::condition_variable pool_ready_;
  std::vector<std::unique_ptr<sql::Connection>> pool_;
  std::size_t lent_ = 0;
  /// Why the last try to connect for writing failed: who can only read is not well.
  std::string writing_problem_;
};

}  // namespace simpleim::store::mysql
