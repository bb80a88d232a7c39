#pragma once

#include <mutex>
#include <unordered_map>

#include "service/commit/commit_loop.h"

namespace simpleim::service {

/// Stores when users were last seen, a few at a time between messages: when thousands leave at once
/// nobody's message waits for it. Lost in a crash, which nobody minds. Thread-safe.
class LastSeen {
 public:
  explicit LastSeen(CommitLoop& commits) : commits_(commits) {}

  void note(UserId user, std::int64_t when_ms);

 private:
  void schedule();
  void write(Batch& batch);

  static constexpr std::size_t kPerBatch = 64;

  CommitLoop& commits_;
  std::mutex mutex_;
  std::unordered_map<UserId, std::int64_t, base::IdHash> pending_;
  bool scheduled_ = false;
};

}  // namespace simpleim::service
