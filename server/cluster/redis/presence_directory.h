#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/circuit_breaker.h"
#include "base/clock.h"
#include "base/random.h"
#include "cluster/presence_directory.h"
#include "cluster/redis/connection.h"

namespace simpleim::cluster::redis {

/// Presence in Redis. A node has one key, `node:{node}`, with a time to live that it refreshes; a user has the set
/// `online:{user}` of the nodes that hold a device of theirs. Online is who has a node there whose key lives. So a
/// node's thousands of users cost one command a refresh, and a node that dies takes all of them along at once.
///
/// A thread of its own tells Redis; when the node's key was gone meanwhile (FLUSHALL), it tells everything again. With
/// each new connection the node takes a new name, so that nothing half told before it stays true. Sets expire after a
/// day and are told again before; who looks a user up removes dead nodes.
class RedisPresenceDirectory final : public PresenceDirectory {
 public:
  static constexpr std::int64_t kTtlMs = 60'000;

  /// `ttl_ms`: when a dead node's users are offline; refreshed three times within.
  RedisPresenceDirectory(RedisOptions options, const base::Clock& clock, base::Random& random,
                         std::int64_t ttl_ms = kTtlMs, std::optional<base::BackendMetrics> metrics = std::nullopt);
  /// Tells that this node's users are gone, if Redis answers within the deadline.
  ~RedisPresenceDirectory() override;

  void set_online(base::UserId user) override;
  void set_offline(base::UserId user) override;
  std::vector<Presence> lookup(const std::vector<base::UserId>& users) const override;

 private:
  struct Change {
    base::UserId user;
    bool online;
  };

  void run();
  /// Tells Redis what changed.
  void tell(Connection& connection);
  void refresh(Connection& connection);
  void take_new_name(Connection& connection);
  void tell_everything_again();
  std::unique_ptr<Connection> take_idle() const;
  void ask(Connection& connection, const std::vector<base::UserId>& users, std::int64_t until_ms,
           std::vector<Presence>& found) const;
  bool lives(Connection& connection, const std::string& node, std::unordered_map<std::string, bool>& known) const;
  std::string user_key(base::UserId user) const;
  std::string node_key(const std::string& node) const;

  const RedisOptions options_;
  const base::Clock& clock_;
  const std::int64_t ttl_ms_;
  const std::string instance_;
  /// The presence thread only.
  std::string node_;
  std::uint64_t names_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::unordered_set<base::UserId, base::IdHash> online_;
  std::deque<Change> changes_;
  std::thread thread_;

  static constexpr std::ptrdiff_t kLookupsAtOnce = 4;
  /// Who has a place takes an idle connection or makes one; who has none waits at most a deadline.
  mutable std::counting_semaphore<kLookupsAtOnce> places_{kLookupsAtOnce};
  mutable std::mutex idle_mutex_;
  mutable std::vector<std::unique_ptr<Connection>> idle_;
  mutable base::CircuitBreaker breaker_;
};

}  // namespace simpleim::cluster::redis
