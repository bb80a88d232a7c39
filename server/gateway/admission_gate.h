#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace simpleim::gateway {

/// Lets a bounded number of connections have work done for signing in and syncing at a time; the others wait for their
/// turn. So ten thousand clients that come back at once take turns with the messages of those who are there, instead of
/// standing in front of them.
///
/// A turn is for work of the server, which has deadlines of its own, never for waiting on a client: who waits for a
/// client gives his turn back and asks again (docs/decisions/0003). Thread-safe.
class AdmissionGate {
 public:
  /// Held while the work goes on; gives the turn to the next one when the last copy is destroyed. May outlive the gate.
  using Turn = std::shared_ptr<void>;
  /// Must be short, must not block and must not throw; runs at once, or later on the thread of whoever gives a turn
  /// back.
  using Start = std::function<void(Turn)>;

  /// `at_once`: turns; `max_waiting`: connections that may stand in line to get in.
  AdmissionGate(std::size_t at_once, std::size_t max_waiting);

  /// For a connection that comes. False when the line is full: `start` is not called then.
  [[nodiscard]] bool enter(Start start);
  /// For one that is in and goes on: never refused, since each has at most one place in line.
  void reenter(Start start);
  /// Somebody waits: who has had a turn should give it back and stand in line again.
  bool is_contended() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace simpleim::gateway
