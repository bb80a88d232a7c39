#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "service/events/events.h"
#include "service/limits/rate_limit.h"

namespace simpleim::gateway {

using service::Origin;
using service::SessionId;
using service::UserId;

/// Which users are connected to this node, and by which connections. Touched when a connection comes
/// or goes, never by a message. Thread-safe.
class Directory {
 public:
  struct Options {
    bool single_device = false;
    std::size_t max_devices = 1;
  };
  struct Connection {
    Origin origin;
    std::string device_id;
    SessionId session;
    std::int64_t opened_ms = 0;
  };
  /// What the connections of one user share.
  struct User {
    service::RateLimit messages;
  };
  struct Added {
    std::shared_ptr<User> user;
    /// Older connections that have to go (4001).
    std::vector<Origin> replaced;
  };
  /// A user's first connection has come, or his last one gone, and he does not hide it. Called in the order in which it
  /// happens, under the directory's lock: it must not block, and not call the directory but for users() and
  /// connections().
  using PresenceChanged = std::function<void(UserId, bool online)>;

  explicit Directory(Options options) : options_(options) {}

  /// Before the first add().
  void on_presence(PresenceChanged changed) { presence_changed_ = std::move(changed); }

  /// `hidden`: the user wants to be seen offline.
  Added add(UserId user, Connection connection, bool hidden = false);
  void set_hidden(UserId user, bool hidden);
  void remove(UserId user, Origin origin);
  /// Those here that have to go (4001) because the user connected to another node with this device.
  std::vector<Origin> replaced_by(UserId user, std::string_view device_id, std::int64_t opened_ms) const;
  std::vector<Origin> connections_of(UserId user, SessionId session) const;
  std::size_t users() const { return user_count_; }
  std::size_t connections() const { return connections_; }

 private:
  struct Entry {
    std::shared_ptr<User> shared;
    std::vector<Connection> connections;
    bool hidden = false;
  };

  const Options options_;
  mutable std::mutex mutex_;
  std::unordered_map<UserId, Entry, base::IdHash> users_;
  PresenceChanged presence_changed_ = [](UserId, bool) {};
  std::atomic<std::size_t> user_count_ = 0;
  std::atomic<std::size_t> connections_ = 0;
};

}  // namespace simpleim::gateway
