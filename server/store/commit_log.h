#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace simpleim::store {

/// What one batch changed, for the other nodes: the bus tells them sooner, this never forgets to (a node may end
/// between its commit and the bus). Kept for some minutes.
struct LoggedCommit {
  std::int64_t position = 0;
  std::string node;
  std::string changes;
};

class CommitLog {
 public:
  virtual ~CommitLog() = default;

  /// Becomes durable with the batch; at most once a batch.
  virtual void append(std::string_view changes) = 0;
  /// By position, from after `position`. A lower position can appear after a higher one, but not a second later. Any
  /// thread.
  virtual std::vector<LoggedCommit> since(std::int64_t position, std::size_t limit) = 0;
  /// All positions there are with after < position <= to. Any thread.
  virtual std::vector<std::int64_t> positions(std::int64_t after, std::int64_t to) = 0;
  /// What is there; nothing when it is too old. Any thread.
  virtual std::optional<LoggedCommit> at(std::int64_t position) = 0;
  /// The highest position there is; 0: none. Any thread.
  virtual std::int64_t newest() = 0;
};

}  // namespace simpleim::store
