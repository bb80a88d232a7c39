#include "gateway/admission_gate.h"

#include <deque>
#include <mutex>
#include <utility>

namespace simpleim::gateway {

/// Shared with the turns that are out.
struct AdmissionGate::State : std::enable_shared_from_this<State> {
  State(std::size_t turns, std::size_t most) : at_once(turns), max_waiting(most) {}

  bool add(Start start, bool bounded) {
    {
      const std::lock_guard lock(mutex);
      if (bounded && waiting.size() >= max_waiting) return false;
      waiting.push_back(std::move(start));
    }
    pump();
    return true;
  }

  /// Gives out the turns that are free. Whoever gives one back inside `start` finds `pumping` set and leaves the next
  /// one to the loop: a line of thousands that have gone costs no stack.
  void pump() {
    std::unique_lock lock(mutex);
    if (pumping) return;
    pumping = true;
    while (inside < at_once && !waiting.empty()) {
      auto start = std::move(waiting.front());
      waiting.pop_front();
      ++inside;
      lock.unlock();
      start(make_turn());
      start = nullptr;  // what it holds may be a turn
      lock.lock();
    }
    pumping = false;
  }

  Turn make_turn() {
    return {this, [state = shared_from_this()](void*) {
              {
                const std::lock_guard lock(state->mutex);
                --state->inside;
              }
              state->pump();
            }};
  }

  const std::size_t at_once;
  const std::size_t max_waiting;
  std::mutex mutex;
  std::size_t inside = 0;
  bool pumping = false;
  std::deque<Start> waiting;
};

AdmissionGate::AdmissionGate(std::size_t at_once, std::size_t max_waiting)
    : state_(std::make_shared<State>(at_once, max_waiting)) {}

bool AdmissionGate::enter(Start start) { return state_->add(std::move(start), true); }

void AdmissionGate::reenter(Start start) { (void)state_->add(std::move(start), false); }

bool AdmissionGate::is_contended() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->waiting.empty();
}

}  // namespace simpleim::gateway
