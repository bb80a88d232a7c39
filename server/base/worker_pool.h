#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace simpleim::base {

/// A fixed number of threads for work that blocks (store reads, password hashing), behind a bounded
/// queue: when it is full the caller hears it at once instead of waiting without end.
/// Thread-safe. The destructor finishes what was accepted.
class WorkerPool {
 public:
  struct Options {
    std::string name;
    std::size_t threads = 4;
    std::size_t max_queue = 1024;
    /// Added to the threads' nice value; above 0 the pool yields the processor to chat.
    int nice = 0;
  };

  explicit WorkerPool(Options options);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False when the queue is full or the pool is stopping; the task is then dropped.
  [[nodiscard]] bool submit(std::function<void()> task);
  /// Tasks that wait for a thread.
  std::size_t queued() const;
  /// Finishes what was accepted and ends the threads; further tasks are refused.
  void stop();

 private:
  void work();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace simpleim::base
