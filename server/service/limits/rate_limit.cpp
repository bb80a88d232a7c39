#include "service/limits/rate_limit.h"

#include <algorithm>
#include <vector>

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

std::int64_t KeyedRateLimit::take(const std::string& key, std::int64_t now_ms, std::int64_t cost) {
  if (per_minute_ == 0) return 0;
  const std::lock_guard lock(mutex_);
  if (full_at_ms_.size() >= kMaxKeys) make_room(now_ms);
  auto& full_at = full_at_ms_[key];
  const auto next = std::max(full_at, now_ms) + cost * cost_ms();
  const auto ahead = next - now_ms - std::max<std::int64_t>(60'000, cost * cost_ms());
  if (ahead > 0) return ahead;
  full_at = next;
  return 0;
}

std::int64_t KeyedRateLimit::wait(const std::string& key, std::int64_t now_ms) const {
  if (per_minute_ == 0) return 0;
  const std::lock_guard lock(mutex_);
  const auto found = full_at_ms_.find(key);
  if (found == full_at_ms_.end()) return 0;
  return std::max<std::int64_t>(0, std::max(found->second, now_ms) + cost_ms() - now_ms - 60'000);
}

/// Whoever makes up keys must not have the others forgiven: those go who are at rest, or nearest to it.
void KeyedRateLimit::make_room(std::int64_t now_ms) {
  std::erase_if(full_at_ms_, [&](const auto& entry) { return entry.second <= now_ms; });
  if (full_at_ms_.size() < kMaxKeys) return;
  std::vector<std::int64_t> times;
  times.reserve(full_at_ms_.size());
  for (const auto& [key, full_at] : full_at_ms_) times.push_back(full_at);
  const auto tenth = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 10);
  std::nth_element(times.begin(), tenth, times.end());
  std::erase_if(full_at_ms_, [limit = *tenth](const auto& entry) { return entry.second <= limit; });
}

}  // namespace simpleim::service
