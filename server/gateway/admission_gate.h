#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace simpleim::gateway {

/// Lets a bounded number of connections sign in and sync at a time; the others wait their turn. So
/// ten thousand clients that come back at once take turns with the messages of those who are there,
/// instead of standing in front of them. Thread-safe.
class AdmissionGate {
 public:
  /// Held from the upgrade request until the first sync is done; gives the turn on when destroyed.
  using Ticket = std::shared_ptr<void>;
  using Start = std::function<void(Ticket)>;

  explicit AdmissionGate(std::size_t at_once) : at_once_(at_once) {}

  /// Calls `start` now, or later on the thread of whoever leaves.
  void enter(Start start);

 private:
  Ticket make_ticket();
  void leave();

  const std::size_t at_once_;
  std::mutex mutex_;
  std::size_t inside_ = 0;
  std::deque<Start> waiting_;
};

}  // namespace simpleim::gateway
