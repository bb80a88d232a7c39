#pragma once

#include <cstdint>

namespace simpleim::base {

/// Time, injected so that tests can move it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall clock, milliseconds since the Unix epoch. May jump; never used for order or time-outs.
  virtual std::int64_t now_ms() const = 0;
  /// Monotonic clock in milliseconds, for time-outs and rates.
  virtual std::int64_t steady_ms() const = 0;
};

/// The clocks of the operating system.
class SystemClock final : public Clock {
 public:
  std::int64_t now_ms() const override;
  std::int64_t steady_ms() const override;
};

}  // namespace simpleim::base
