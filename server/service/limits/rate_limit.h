#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace simpleim::service {

/// A token bucket in one number (the generic cell rate algorithm): how far the next permitted
/// action lies ahead. Lock-free; thread-safe.
class RateLimit {
 public:
  /// Takes one action. 0 when allowed, else ms until it would be. `per_second` 0: no limit.
  std::int64_t take(std::int64_t now_ms, std::int64_t per_second, std::int64_t burst);

 private:
  /// Microseconds at which the bucket is full again.
  std::atomic<std::int64_t> full_at_us_{0};
};

/// Rate limits by key (an address). Bounded: when it grows too large, the keys that have the least to wait for are
/// forgotten. Thread-safe.
class KeyedRateLimit {
 public:
  explicit KeyedRateLimit(std::int64_t per_minute) : per_minute_(per_minute) {}
  /// 0 when allowed, else ms until it would be. Takes `cost` actions when allowed.
  std::int64_t take(const std::string& key, std::int64_t now_ms, std::int64_t cost = 1);
  /// The same without taking any.
  std::int64_t wait(const std::string& key, std::int64_t now_ms) const;

 private:
  static constexpr std::size_t kMaxKeys = 100'000;

  void make_room(std::int64_t now_ms);
  std::int64_t cost_ms() const { return std::max<std::int64_t>(1, 60'000 / per_minute_); }

  const std::int64_t per_minute_;
  mutable std::mutex mutex_;
  /// Milliseconds at which the key's bucket is full again.
  std::unordered_map<std::string, std::int64_t> full_at_ms_;
};

}  // namespace simpleim::service
