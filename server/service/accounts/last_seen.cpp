#include "service/accounts/last_seen.h"

namespace simpleim::service {

void LastSeen::note(UserId user, std::int64_t when_ms) {
  {
    const std::lock_guard lock(mutex_);
    pending_[user] = when_ms;
    if (scheduled_) return;
    scheduled_ = true;
  }
  schedule();
}

void LastSeen::schedule() {
  if (commits_.post([this](Batch& batch) { write(batch); })) return;
  const std::lock_guard lock(mutex_);
  scheduled_ = false;  // the queue is full: the next who leaves tries again
}

void LastSeen::write(Batch& batch) {
  std::vector<std::pair<UserId, std::int64_t>> some;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    while (!pending_.empty() && some.size() < kPerBatch) {
      some.push_back(*pending_.begin());
      pending_.erase(pending_.begin());
    }
    more = scheduled_ = !pending_.empty();
  }
  for (const auto& [user, when] : some) batch.store().accounts().set_last_seen(user, when);
  if (more) schedule();
}

}  // namespace simpleim::service
