#pragma once

#include "store/records.h"

namespace simpleim::store {

/// Calls that ring or go on. Threads, durability and failures as in AccountStore.
class CallStore {
 public:
  virtual ~CallStore() = default;

  virtual std::optional<Call> call(const std::string& id) = 0;
  virtual bool is_in_call(UserId user) = 0;
  /// Calls whose due_ms is not after `now_ms`, at most `limit`.
  virtual std::vector<Call> due(std::int64_t now_ms, std::size_t limit) = 0;

  /// Calls to this user that nobody has answered.
  virtual std::vector<Call> ringing_for(UserId callee) = 0;

  virtual void create(const Call& call) = 0;
  /// Writes answered_ms and due_ms if it still rings; false when it does not.
  virtual bool answer(const Call& call) = 0;
  virtual void set_due(const std::string& id, std::int64_t due_ms) = 0;
  /// False when it was over already.
  virtual bool remove(const std::string& id) = 0;
};

}  // namespace simpleim::store
