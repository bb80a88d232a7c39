#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace simpleim::api {

/// One request at a time goes on with an upload: the newest. Thread-safe.
class UploadTurns {
 public:
  class Turn {
   public:
    /// Holds the turn while something is written; nothing when a newer request has taken it.
    std::unique_lock<std::mutex> work() const {
      std::unique_lock lock(state_->mutex);
      if (state_->taken) return {};
      return lock;
    }

   private:
    friend class UploadTurns;
    struct State {
      std::mutex mutex;
      bool taken = false;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
  };

  /// Waits for what the holder before is writing, and ends his turn.
  Turn take(const std::string& id) {
    Turn turn;
    std::shared_ptr<Turn::State> before;
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(turns_, [](const auto& entry) { return entry.second.expired(); });
      auto& slot = turns_[id];
      before = slot.lock();
      slot = turn.state_;
    }
    if (before) {
      const std::lock_guard lock(before->mutex);
      before->taken = true;
    }
    return turn;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<Turn::State>> turns_;
};

}  // namespace simpleim::api
