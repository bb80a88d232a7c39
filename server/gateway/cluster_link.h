#pragma once

#include <condition_variable>
#include <map>
#include <thread>

#include "base/clock.h"
#include "base/worker_pool.h"
#include "cluster/bus.h"
#include "cluster/presence_directory.h"
#include "gateway/bus_codec.h"
#include "gateway/feed.h"
#include "gateway/log_reader.h"
#include "store/store.h"

namespace simpleim::gateway {

using service::SessionId;

/// What the link needs of the sockets of this node. Thread-safe, do not block.
class LocalSockets {
 public:
  virtual ~LocalSockets() = default;
  virtual void post(std::shared_ptr<const DeliveryBatch> batch) = 0;
  virtual void end_session(UserId user, SessionId session) = 0;
  /// Closes (4001) what a connection to another node takes the place of.
  virtual void replace(const Connected& connected) = 0;
  /// Something may have been missed: all sessions look at their groups again and are told where they are (frame 60).
  virtual void resync() = 0;
  /// The same for those sessions of the user who hear the group but should not, or should but do not.
  virtual void resync(UserId user, service::GroupId group, bool member) = 0;
  virtual void show_presence(UserId user, bool online) = 0;
};

/// This node among others: what it commits goes out over the bus, what the others commit comes in. The bus is a hint;
/// once a second the commit log of the store tells what it has not brought (a node ended before it could say, Redis was
/// away). Owns a thread for that; see docs/decisions/0016.
class ClusterLink {
 public:
  struct Ports {
    cluster::Bus& bus;
    store::Store& store;
    cluster::PresenceDirectory& presence;
    base::WorkerPool& workers;
    const base::Clock& clock;
    /// This one's name, as it stands in the commit log.
    std::string node;
    std::size_t threads;
    /// Told where other nodes have stored messages; with `hears_moved` at once, else when their commits are read.
    std::function<void(const std::vector<service::ConversationId>&)> moved;
    bool hears_moved = false;
  };
  explicit ClusterLink(Ports ports);
  ~ClusterLink() { stop(); }

  /// Hears the bus from now on; before anything else is called.
  void start(LocalSockets& sockets);
  void stop();

  /// What this node has committed. On the commit thread.
  void deliver(std::shared_ptr<DeliveryBatch> batch, const std::vector<service::SessionEnded>& ended);
  /// A device has connected to this node.
  void connected(const Connected& connected);
  /// A user's first device on this node is there, or his last one has gone.
  void presence_changed(UserId user, bool online);

  /// A session has begun to listen to a group its user has just joined: brings it what was said since he joined and
  /// the bus did not bring.
  void joined(UserId user, service::GroupId group);
  /// What somebody was told about a user's presence.
  void presence_shown(UserId user, bool online);

  /// See Feed::anchor.
  std::vector<service::ConversationId> anchor(UserId user, const std::vector<Feed::Place>& places) {
    return feed_.anchor(user, places);
  }

  /// Tells the others where this node has stored messages: for the one that writes to an index that they share.
  void tell_moved(const std::vector<service::ConversationId>& conversations);

  // A shard's first session listens to the topic, its last one no longer.
  void open(const TopicKey& topic);
  void close(const TopicKey& topic);
  /// Calls `done` on some thread once what was opened before is in force, so that the store may be read. Without the
  /// bus at once: when it is back all sessions are told to look again.
  void settle(std::function<void()> done);

 private:
  struct Settling {
    std::int64_t due_ms = 0;
    std::function<void()> done;
  };

  void receive(std::string_view topic, std::string_view payload);
  void run();
  void turn();
  void fetch_joined(UserId user, service::GroupId group);
  void fetch_gaps();
  void fetch(const Feed::Gap& gap);
  void apply(const store::LoggedCommit& commit);
  /// He is there, or has left a node and is perhaps on another.
  void note_presence(UserId user, bool online);
  void watch_presence();
  void look_up_presence(std::vector<UserId> users);
  void settle_overdue();

  Ports ports_;
  LocalSockets* sockets_ = nullptr;
  Feed feed_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::map<std::uint64_t, Settling> settling_;
  std::uint64_t next_settling_ = 0;
  /// Users whose presence somebody here watches, and what was shown last (-1: nothing).
  std::map<UserId, int> watched_;
  std::map<UserId, std::int64_t> look_up_at_;

  // The thread's own.
  std::optional<LogReader> log_;
  std::int64_t next_log_ms_ = 0;
  std::int64_t next_watch_ms_ = 0;
  std::thread thread_;
};

}  // namespace simpleim::gateway
