#include "gateway/log_reader.h"

#include <exception>

#include "store/store.h"

namespace simpleim::gateway {
namespace {

constexpr std::size_t kPage = 2000;

}  // namespace

void LogReader::read(std::int64_t now_ms, const Apply& apply) {
  if (settled_ < 0) settled_ = newest_ = log_.newest();
  take_late(now_ms);
  take_new(now_ms);
  std::exception_ptr failure;
  for (auto& [position, entry] : entries_) {
    if (!entry.commit || now_ms - entry.seen_ms < kAgeMs) continue;
    try {
      apply(*entry.commit);
    } catch (const store::StoreError&) {
      failure = std::current_exception();
      continue;
    }
    entry.commit.reset();
    --held_;
  }
  settle(now_ms);
  if (failure) std::rethrow_exception(failure);
}

void LogReader::take(store::LoggedCommit&& commit, std::int64_t now_ms) {
  const auto position = commit.position;
  held_ += entries_.try_emplace(position, Entry{now_ms, std::move(commit)}).second;
}

void LogReader::take_late(std::int64_t now_ms) {
  if (settled_ == newest_) return;
  for (const auto position : log_.positions(settled_, newest_)) {
    if (entries_.contains(position)) continue;
    if (auto commit = log_.at(position)) take(std::move(*commit), now_ms);
  }
}

void LogReader::take_new(std::int64_t now_ms) {
  while (held_ < kMaxHeld) {
    auto page = log_.since(newest_, kPage);
    const bool is_last = page.size() < kPage;
    if (!page.empty()) newest_ = page.back().position;
    for (auto& commit : page) take(std::move(commit), now_ms);
    if (is_last) return;
  }
}

void LogReader::settle(std::int64_t now_ms) {
  while (!entries_.empty() && !entries_.begin()->second.commit &&
         now_ms - entries_.begin()->second.seen_ms > kWindowMs) {
    settled_ = entries_.begin()->first;
    entries_.erase(entries_.begin());
  }
}

}  // namespace simpleim::gateway
