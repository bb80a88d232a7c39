#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace simpleim::base {

/// A fixed number of threads for work that blocks (store reads, password hashing), behind a bounded
/// queue: when it is full the caller hears it at once instead of waiting without end. Those for whom it works (owners)
/// have their turns one after the other, however much one of them has asked for.
/// Thread-safe. The destructor finishes what was accepted.
class WorkerPool {
 public:
  struct Options {
    std::string name;
    std::size_t threads = 4;
    std::size_t max_queue = 1024;
    /// Added to the threads' nice value; above 0 the pool yields the processor to chat.
    int nice = 0;
    /// Tasks of one owner that may wait; 0: max_queue.
    std::size_t max_of_owner = 0;
  };

  explicit WorkerPool(Options options);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False when the queue is full or the pool is stopping; the task is then dropped.
  [[nodiscard]] bool submit(std::function<void()> task, std::uint64_t owner = 0);
  /// Tasks that wait for a thread.
  std::size_t queued() const;
  /// Finishes what was accepted and ends the threads; further tasks are refused.
  void stop();

 private:
  void work();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  /// Of each owner who has some, in order; and whose turn is when.
  std::unordered_map<std::uint64_t, std::deque<std::function<void()>>> tasks_;
  std::deque<std::uint64_t> turns_;
  std::size_t queued_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace simpleim::base
