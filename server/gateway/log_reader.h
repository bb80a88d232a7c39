#pragma once

#include <functional>
#include <map>
#include <optional>

#include "store/commit_log.h"

namespace simpleim::gateway {

/// Reads the commit log once, row by row as rows appear, those included that appear behind others; hands each on when
/// the bus has had its time to tell of it. One thread; blocks on the store.
class LogReader {
 public:
  using Apply = std::function<void(const store::LoggedCommit&)>;

  /// A commit that is so old was told by its node, or never will be.
  static constexpr std::int64_t kAgeMs = 700;
  /// Positions may appear out of order for so long (a transaction that takes longer is ended by its server).
  static constexpr std::int64_t kWindowMs = 5000;
  /// What is held until it is old enough, about; the rest is read next time.
  static constexpr std::size_t kMaxHeld = 20'000;

  explicit LogReader(store::CommitLog& log) : log_(log) {}

  /// Hands on what is due at this time (ms, steady), by position, each once; what was there at the first call is
  /// old. Throws StoreError: what the store throws at once, what `apply` throws after it has had the rest; that commit
  /// is handed on again.
  void read(std::int64_t now_ms, const Apply& apply);

 private:
  struct Entry {
    std::int64_t seen_ms = 0;
    /// Nothing: handed on.
    std::optional<store::LoggedCommit> commit;
  };

  void take(store::LoggedCommit&& commit, std::int64_t now_ms);
  void take_late(std::int64_t now_ms);
  void take_new(std::int64_t now_ms);
  void settle(std::int64_t now_ms);

  store::CommitLog& log_;
  /// Nothing appears any more up to here; -1: not read yet.
  std::int64_t settled_ = -1;
  /// Read up to here, but for what appears late.
  std::int64_t newest_ = -1;
  std::map<std::int64_t, Entry> entries_;
  /// Entries that are not handed on yet.
  std::size_t held_ = 0;
};

}  // namespace simpleim::gateway
