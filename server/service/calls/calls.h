#pragma once

#include <atomic>
#include <map>

#include "service/messages/batch.h"

namespace simpleim::service {

/// One-to-one calls: passes signals on, ends what nobody answers, and leaves a record in the conversation (type 3,
/// event "call"). The media go from browser to browser. The calls themselves stand in the store, so that the two may be
/// on different nodes. On the commit thread unless said otherwise.
class Calls {
 public:
  struct Options {
    std::int64_t ring_ms = 0;
    /// A call of which nothing is heard for so long is over.
    std::int64_t silent_ms = 0;
  };
  Calls(base::IdMaker& ids, Options options) : ids_(ids), options_(options) {}

  /// Passes it on, or emits why not.
  void signal(Batch& batch, const protocol::CallFrame& frame, UserId from, Origin origin);
  /// Whether tick() has something to end. Any thread.
  bool is_due(store::Store& store, std::int64_t now_ms) const;
  /// Ends what rang too long; from time to time.
  void tick(Batch& batch);

 private:
  void invite(Batch& batch, const protocol::CallFrame& frame, UserId from, Origin origin);
  void pass_on(Batch& batch, const protocol::CallFrame& frame, UserId from, UserId to, Origin origin);
  /// Does nothing when another node was first.
  void end(Batch& batch, const store::Call& call, const char* status);
  void record(Batch& batch, const store::Call& call, const char* status);
  void end_due(Batch& batch, const std::string& id);

  base::IdMaker& ids_;
  const Options options_;
  /// Calls that ended so, but their records could not be stored: tick() tries again.
  std::map<std::string, const char*> over_;
  std::atomic<bool> has_over_{false};
};

}  // namespace simpleim::service
