#pragma once

#include <atomic>
#include <unordered_map>

#include "service/batch.h"

namespace simpleim::service {

/// One-to-one calls: passes signals on, ends what nobody answers, and leaves a record in the conversation (type 3,
/// event "call"). The media go from browser to browser. On the commit thread; lost when the server ends, which ends no
/// call: what the two say is still passed on when they say to whom.
class Calls {
 public:
  struct Options {
    std::int64_t ring_ms = 45'000;
    /// A call of which nothing is heard for so long is over.
    std::int64_t silent_ms = 6 * 3600 * 1000;
    std::size_t max_calls = 100'000;
  };
  Calls(base::IdMaker& ids, Options options) : ids_(ids), options_(options) {}

  /// Passes it on, or emits why not.
  void signal(Batch& batch, const protocol::CallFrame& frame, UserId from, Origin origin);
  /// Ends what rang too long; from time to time.
  void tick(Batch& batch);
  /// Any thread.
  bool is_empty() const { return count_ == 0; }

 private:
  struct Call {
    UserId caller;
    UserId callee;
    bool video = false;
    std::int64_t began_ms = 0;
    /// 0: it rings.
    std::int64_t answered_ms = 0;
    std::int64_t heard_ms = 0;
    /// It ended so, but its record could not be stored yet.
    const char* over = nullptr;
  };
  using CallMap = std::unordered_map<std::string, Call>;

  void invite(Batch& batch, const protocol::CallFrame& frame, UserId from, Origin origin);
  void pass_on(Batch& batch, const protocol::CallFrame& frame, UserId from, UserId to, Origin origin);
  void end(Batch& batch, CallMap::iterator call, const char* status);
  CallMap::iterator add(const std::string& id, const Call& call);
  void remove(CallMap::iterator call);
  /// The call is again as it is now when the batch is not stored; what ended it in the batch is tried again by tick().
  void keep(Batch& batch, const std::string& id);
  bool is_busy(UserId user) const;

  base::IdMaker& ids_;
  const Options options_;
  CallMap calls_;
  std::atomic<std::size_t> count_{0};
  /// In how many calls a user is.
  std::unordered_map<UserId, int, base::IdHash> users_;
};

}  // namespace simpleim::service
