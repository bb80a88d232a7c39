#pragma once

#include <functional>
#include <vector>

#include "service/events/events.h"
#include "service/messages/permissions.h"
#include "store/store.h"

namespace simpleim::service {

/// What a use case may use while its batch is open, on the commit thread.
class Batch {
 public:
  Batch(store::Store& store, Permissions& permissions, std::int64_t now_ms)
      : store_(store), permissions_(permissions), now_ms_(now_ms) {}

  store::Store& store() { return store_; }
  Permissions& permissions() { return permissions_; }
  std::int64_t now_ms() const { return now_ms_; }
  /// First of all in a task that writes to a conversation or to who may do what there: what it reads stays true then.
  void claim(ConversationId conversation) {
    for (const auto changed : store_.claim({{conversation}, {}, {}, {}})) permissions_.forget(changed);
  }
  /// Delivered once the batch is durable.
  void emit(Event event) { events_.push_back(std::move(event)); }
  std::vector<Event>& events() { return events_; }

  /// What takes back a change outside the store when the batch is not stored; newest first. It may add to what is
  /// delivered instead. Not called for a task of CommitLoop::run that refuses by itself: such a task changes nothing
  /// outside the store.
  using Undo = std::function<void(const protocol::Error&, std::vector<Event>&)>;
  void on_undo(Undo undo) { undos_.push_back(std::move(undo)); }
  void undo(const protocol::Error& error, std::vector<Event>& instead) {
    for (; !undos_.empty(); undos_.pop_back()) undos_.back()(error, instead);
  }

 private:
  store::Store& store_;
  Permissions& permissions_;
  const std::int64_t now_ms_;
  std::vector<Event> events_;
  std::vector<Undo> undos_;
};

}  // namespace simpleim::service
