#include "service/limits/rate_limit.h"

#include <algorithm>

namespace simpleim::service {

std::int64_t RateLimit::take(std::int64_t now_ms, std::int64_t per_second, std::int64_t burst) {
  if (per_second == 0) return 0;
  const auto now_us = now_ms * 1000;
  const auto cost = std::max<std::int64_t>(1, 1'000'000 / per_second);
  auto full_at = full_at_us_.load(std::memory_order_relaxed);
  for (;;) {
    const auto next = std::max(full_at, now_us) + cost;
    const auto ahead = next - now_us - cost * burst;
    if (ahead > 0) return ahead / 1000 + 1;
    if (full_at_us_.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) return 0;
  }
}

std::int64_t KeyedRateLimit::take(const std::string& key, std::int64_t now_ms) {
  if (per_minute_ == 0) return 0;
  const std::lock_guard lock(mutex_);
  if (full_at_ms_.size() >= kMaxKeys)
    std::erase_if(full_at_ms_, [&](const auto& entry) { return entry.second <= now_ms; });
  if (full_at_ms_.size() >= kMaxKeys) full_at_ms_.clear();
  auto& full_at = full_at_ms_[key];
  const auto cost = std::max<std::int64_t>(1, 60'000 / per_minute_);
  const auto next = std::max(full_at, now_ms) + cost;
  const auto ahead = next - now_ms - 60'000;
  if (ahead > 0) return ahead;
  full_at = next;
  return 0;
}

}  // namespace simpleim::service
