#include "net/timer_wheel.h"

#include "base/log.h"

namespace simpleim::net {

void TimerWheel::schedule(Timer& timer, std::int64_t in_ms) {
  timer.unlink();
  timer.due_ = now_ + 1 + static_cast<std::uint64_t>((in_ms + kTickMs - 1) / kTickMs);
  slots_[timer.due_ % kSlots].push_back(timer);
}

void TimerWheel::advance() {
  ++now_;
  Slot due;
  due.splice(due.end(), slots_[now_ % kSlots]);
  while (!due.empty()) {
    Timer& timer = due.front();
    timer.unlink();
    // A slot also holds timers of later turns of the wheel.
    if (timer.due_ > now_) {
      slots_[now_ % kSlots].push_back(timer);
      continue;
    }
    try {
      timer.expired();
    } catch (const std::exception& e) {
      base::log::error("a timer threw", {{"what", e.what()}});  // the others of its slot have their turn
    }
  }
}

}  // namespace simpleim::net
