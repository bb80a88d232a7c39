#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/metrics.h"

namespace simpleim::base {

/// Keeps callers away from a part that has just failed, so that none of them waits for its deadline in vain. Closed it
/// lets everybody through. A failure opens it: it refuses at once until the pause is over, then lets one caller through
/// to look (half open). That one's success closes it; its failure doubles the pause up to the longest. Thread-safe.
class CircuitBreaker {
 public:
  enum class State : std::uint8_t { kClosed, kOpen, kHalfOpen };

  CircuitBreaker(const Clock& clock, std::int64_t pause_ms, std::int64_t longest_pause_ms,
                 std::optional<BackendMetrics> metrics = std::nullopt)
      : clock_(clock),
        pause_ms_(pause_ms),
        longest_pause_ms_(longest_pause_ms),
        metrics_(metrics),
        next_pause_ms_(pause_ms) {}

  /// True: go on, and say afterwards how it went. A probe that never says so is given up after the longest pause.
  bool allow() {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed) return true;
    const auto now = clock_.steady_ms();
    if (now < until_ms_) {
      if (metrics_) metrics_->refused->Increment();
      return false;
    }
    change(State::kHalfOpen);
    until_ms_ = now + longest_pause_ms_;
    return true;
  }

  void succeeded() {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed) return;
    change(State::kClosed);
    next_pause_ms_ = pause_ms_;
  }

  void failed() {
    const std::lock_guard lock(mutex_);
    if (metrics_) metrics_->failures->Increment();
    // Those who set out before it opened fail later, all at once: they are one failure.
    if (state_ == State::kOpen) return;
    change(State::kOpen);
    until_ms_ = clock_.steady_ms() + next_pause_ms_;
    next_pause_ms_ = next_pause_ms_ * 2 < longest_pause_ms_ ? next_pause_ms_ * 2 : longest_pause_ms_;
  }

  State state() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  void change(State state) {
    state_ = state;
    if (metrics_) metrics_->breaker->Set(static_cast<double>(state));
  }

  const Clock& clock_;
  const std::int64_t pause_ms_;
  const std::int64_t longest_pause_ms_;
  const std::optional<BackendMetrics> metrics_;
  mutable std::mutex mutex_;
  State state_ = State::kClosed;
  std::int64_t next_pause_ms_;
  /// When open: the end of the pause. When half open: when the probe is given up.
  std::int64_t until_ms_ = 0;
};

}  // namespace simpleim::base
