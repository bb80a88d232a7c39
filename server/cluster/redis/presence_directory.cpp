#include "cluster/redis/presence_directory.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace simpleim::cluster::redis {
namespace {

constexpr std::size_t kInstanceBytes = 8;
/// Changes told, and users asked for, in one pipeline.
constexpr std::size_t kPipeline = 512;
constexpr auto kSetTtlS = "86400";
constexpr std::int64_t kTellAgainMs = 6 * 3600 * 1000;
constexpr std::int64_t kFirstRetryMs = 100;
constexpr std::int64_t kLongestRetryMs = 1000;

}  // namespace

RedisPresenceDirectory::RedisPresenceDirectory(RedisOptions options, const base::Clock& clock, base::Random& random,
                                               std::int64_t ttl_ms, std::optional<base::BackendMetrics> metrics)
    : options_(std::move(options)),
      clock_(clock),
      ttl_ms_(ttl_ms),
      instance_(random.hex(kInstanceBytes)),
      breaker_(clock, kFirstRetryMs, kLongestRetryMs, metrics) {
  thread_ = std::thread([this] { run(); });
}

RedisPresenceDirectory::~RedisPresenceDirectory() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void RedisPresenceDirectory::set_online(base::UserId user) {
  const std::lock_guard lock(mutex_);
  if (!online_.insert(user).second) return;
  changes_.push_back({user, true});
  wake_.notify_one();
}

void RedisPresenceDirectory::set_offline(base::UserId user) {
  const std::lock_guard lock(mutex_);
  if (online_.erase(user) == 0) return;
  changes_.push_back({user, false});
  wake_.notify_one();
}

std::string RedisPresenceDirectory::user_key(base::UserId user) const {
  return options_.prefix + "online:" + std::to_string(user.value);
}

std::string RedisPresenceDirectory::node_key(const std::string& node) const { return options_.prefix + "node:" + node; }

void RedisPresenceDirectory::run() {
  pthread_setname_np(pthread_self(), "presence");
  std::optional<Connection> connection;
  std::int64_t told_all_at = 0;
  std::int64_t refreshed_at = 0;
  auto pause = kFirstRetryMs;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    try {
      const auto now = clock_.steady_ms();
      if (!connection) {
        connection.emplace(options_);
        take_new_name(*connection);
        told_all_at = refreshed_at = now;
      }
      if (now - told_all_at >= kTellAgainMs) {
        tell_everything_again();
        told_all_at = now;
      }
      if (now - refreshed_at >= ttl_ms_ / 3) {
        refresh(*connection);
        refreshed_at = now;
      }
      tell(*connection);
      pause = kFirstRetryMs;
      lock.lock();
      wake_.wait_for(lock, std::chrono::milliseconds(ttl_ms_ / 3), [this] { return stopping_ || !changes_.empty(); });
    } catch (const RedisError& error) {
      if (connection || pause == kFirstRetryMs) base::log::warn("presence is not shared", {{"why", error.what()}});
      connection.reset();
      lock.lock();
      changes_.clear();  // with the next connection all of it is told
      wake_.wait_for(lock, std::chrono::milliseconds(pause), [this] { return stopping_; });
      pause = std::min(pause * 2, kLongestRetryMs);
    }
  }
  lock.unlock();
  if (!connection) return;
  try {
    connection->append({"DEL", node_key(node_)});
    connection->answer();
  } catch (const RedisError&) {
    // Its time to live says the same a little later.
  }
}

void RedisPresenceDirectory::tell_everything_again() {
  const std::lock_guard lock(mutex_);
  changes_.clear();
  for (const auto user : online_) changes_.push_back({user, true});
}

void RedisPresenceDirectory::take_new_name(Connection& connection) {
  const auto old = std::exchange(node_, instance_ + "-" + std::to_string(++names_));
  connection.append({"DEL", node_key(old)});
  connection.append({"SET", node_key(node_), "", "PX", std::to_string(ttl_ms_)});
  connection.answer();
  connection.answer();
  tell_everything_again();
}

void RedisPresenceDirectory::refresh(Connection& connection) {
  const auto ttl = std::to_string(ttl_ms_);
  connection.append({"SET", node_key(node_), "", "XX", "PX", ttl});
  if (connection.answer()->type != REDIS_REPLY_NIL) return;
  base::log::warn("Redis had forgotten this node; who is online is told again", {});
  connection.append({"SET", node_key(node_), "", "PX", ttl});
  connection.answer();
  tell_everything_again();
}

void RedisPresenceDirectory::tell(Connection& connection) {
  for (;;) {
    std::vector<Change> some;
    {
      const std::lock_guard lock(mutex_);
      const auto count = std::min(changes_.size(), kPipeline);
      some.assign(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(count));
      changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    if (some.empty()) return;
    std::size_t answers = 0;
    for (const auto& change : some) {
      const auto key = user_key(change.user);
      connection.append({change.online ? "SADD" : "SREM", key, node_});
      if (change.online) connection.append({"EXPIRE", key, kSetTtlS});
      answers += change.online ? 2 : 1;
    }
    for (; answers > 0; --answers) connection.answer();
  }
}

std::vector<Presence> RedisPresenceDirectory::lookup(const std::vector<base::UserId>& users) const {
  std::vector<Presence> found;
  found.reserve(users.size());
  std::vector<base::UserId> elsewhere;
  {
    const std::lock_guard lock(mutex_);
    for (const auto user : users) {
      const bool here = online_.contains(user);
      found.push_back({user, here, here});
      if (!here) elsewhere.push_back(user);
    }
  }
  if (elsewhere.empty() || !breaker_.allow()) return found;
  const auto until = clock_.steady_ms() + options_.deadline_ms;
  if (!places_.try_acquire_for(std::chrono::milliseconds(options_.deadline_ms))) return found;
  try {
    auto connection = take_idle();
    if (!connection) connection = std::make_unique<Connection>(options_);
    ask(*connection, elsewhere, until, found);
    for (auto& presence : found) presence.known = true;
    breaker_.succeeded();
    const std::lock_guard lock(idle_mutex_);
    idle_.push_back(std::move(connection));
  } catch (const RedisError& error) {
    breaker_.failed();
    base::log::warn("presence of other nodes is not known", {{"why", error.what()}});
    const std::lock_guard lock(idle_mutex_);
    idle_.clear();  // of the same age, and probably as dead
  }
  places_.release();
  return found;
}

std::unique_ptr<Connection> RedisPresenceDirectory::take_idle() const {
  const std::lock_guard lock(idle_mutex_);
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

/// Completes `found` with who among `users` is on another node.
void RedisPresenceDirectory::ask(Connection& connection, const std::vector<base::UserId>& users, std::int64_t until_ms,
                                 std::vector<Presence>& found) const {
  std::unordered_map<std::string, bool> known;
  std::unordered_set<base::UserId, base::IdHash> online;
  for (std::size_t begin = 0; begin < users.size(); begin += kPipeline) {
    const auto end = std::min(users.size(), begin + kPipeline);
    for (auto i = begin; i < end; ++i) connection.append({"SMEMBERS", user_key(users[i])});
    const auto left = until_ms - clock_.steady_ms();
    if (left <= 0) throw RedisError(connection.name() + ": no answer in time");
    connection.set_deadline(left);
    std::vector<std::vector<std::string>> nodes;
    for (auto i = begin; i < end; ++i) {
      const auto reply = connection.answer();
      auto& names = nodes.emplace_back();
      for (std::size_t k = 0; k < reply->elements; ++k)
        names.emplace_back(reply->element[k]->str, reply->element[k]->len);
    }
    for (auto i = begin; i < end; ++i) {
      for (const auto& node : nodes[i - begin]) {
        if (node.starts_with(instance_)) continue;  // who is here is known; Redis may not have been told yet
        if (lives(connection, node, known)) {
          online.insert(users[i]);
          continue;
        }
        connection.append({"SREM", user_key(users[i]), node});
        connection.answer();
      }
    }
  }
  for (auto& presence : found) presence.online |= online.contains(presence.user);
}

/// Asked once a lookup for each node.
bool RedisPresenceDirectory::lives(Connection& connection, const std::string& node,
                                   std::unordered_map<std::string, bool>& known) const {
  const auto [entry, is_new] = known.try_emplace(node, false);
  if (is_new) {
    connection.append({"EXISTS", node_key(node)});
    entry->second = connection.answer()->integer == 1;
  }
  return entry->second;
}

}  // namespace simpleim::cluster::redis
