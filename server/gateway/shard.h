#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/worker_pool.h"
#include "cluster/presence_directory.h"
#include "gateway/cluster_link.h"
#include "gateway/session.h"
#include "service/calls/calls.h"
#include "service/commit/commit_loop.h"
#include "service/conversations/conversations.h"

namespace simpleim::gateway {

/// What sessions need from the rest of the server; one for all shards.
struct GatewayContext {
  store::Store& store;
  service::CommitLoop* commits = nullptr;
  service::Calls* calls = nullptr;
  service::Conversations& conversations;
  cluster::PresenceDirectory& presence;
  base::WorkerPool& workers;
  base::IdMaker& ids;
  base::Random& random;
  const base::Clock& clock;
  base::Metrics& metrics;
  Directory& directory;
  /// Null: this node is alone.
  ClusterLink* link;
  protocol::FrameLimits frame_limits;
  std::int64_t messages_per_second = 0;
  std::int64_t message_burst = 0;
  std::size_t sync_push_limit = 0;
  /// The gateway's: whose turn it is to be brought up to date.
  AdmissionGate* admission = nullptr;
  /// Answers a query (frame 61) of a signed-in user; `reply` is called once, from any thread. The body is JSON.
  using QueryReply = std::function<void(int status, std::string body)>;
  std::function<void(const SessionInfo& who, protocol::QueryFrame frame, QueryReply reply)> answer_query = {};
  /// Closes a connection, wherever it is, because a newer one took its place (4001).
  std::function<void(Origin)> announce_replaced = {};
};

/// The sessions of one I/O thread, and the delivery to them. All calls on that thread.
class Shard {
 public:
  Shard(net::IoThread& thread, GatewayContext& context);
  ~Shard();

  net::IoThread& thread() { return thread_; }
  GatewayContext& context() { return context_; }
  TopicIndex& topics() { return topics_; }
  protocol::FrameParser& parser() { return parser_; }
  std::int64_t now_ms() const { return context_.clock.now_ms(); }

  /// Makes the session of a socket that has just opened.
  void open(const std::shared_ptr<net::WebSocket>& socket, SessionInfo info, std::string_view received,
            AdmissionGate::Turn turn);
  /// Forgets a session whose socket has closed; not during a delivery.
  void remove(Session& session);
  /// Null when it is gone.
  Session* find(std::uint64_t connection) const;
  /// Runs `f` with the session on this thread if it is still there then. Thread-safe.
  template <class F>
  void with_session(std::uint64_t connection, F f) {
    thread_.post([this, connection, f = std::move(f)]() mutable {
      if (auto* session = find(connection)) f(*session);
      thread_.flush_dirty();
    });
  }

  /// The same after `ms` milliseconds. On this thread.
  void later(std::uint64_t connection, std::int64_t ms, std::function<void(Session&)> f);

  /// Delivers it, soon; those that come while the thread is busy go out together, a gather write a socket. Thread-safe.
  void post(std::shared_ptr<const DeliveryBatch> batch);
  void announce_presence(service::UserId user, bool online);
  /// All sessions look again at what they may have missed, spread over some seconds.
  void resync();
  /// Those of the user whose subscription to the group is not as it should be.
  void resync(service::UserId user, service::GroupId group, bool member);
  void close(std::uint64_t connection, net::CloseCode code, std::string_view reason);
  /// Asks all sessions to leave, spread over `over_ms`.
  void drain(std::int64_t over_ms);
  std::size_t sessions() const { return sessions_.size(); }

  /// Collects a message until the end of the read, so that one hand-over carries many.
  void send(service::Send&& send) { sends_.push_back(std::move(send)); }
  void submit_sends();

  /// For building frames; empty at each use.
  std::string& scratch_text() {
    text_.clear();
    return text_;
  }
  protocol::ProtobufEncoder& encoder() { return forms_.protobuf; }
  /// A frame in the other encoding; good until the next use.
  std::string_view as_protobuf(std::string_view json);

 private:
  void deliver_posted();
  /// Writes what the pass has queued, and lets go of what that points to.
  void end_pass();
  void deliver(const DeliveryBatch& batch);
  void deliver_run(const Run& run, const DeliveryBatch& batch, StepFrames& frames);
  std::size_t deliver_to_topic(Topic* topic, const Run& run, const DeliveryBatch& batch, StepFrames& frames);
  void deliver_notice(const Notice& notice, StepFrames& frames);
  std::int64_t some_time(std::int64_t over_ms);
  void apply_membership(const service::MembershipChanged& changed);

  net::IoThread& thread_;
  GatewayContext& context_;
  protocol::FrameParser parser_;
  FormMaker forms_;
  TopicIndex topics_;
  boost::unordered_flat_map<std::uint64_t, Session*> sessions_;
  std::vector<service::Send> sends_;
  std::string text_, binary_;
  /// The thread's number stands in the high bits, so that a connection's number is the node's.
  std::uint64_t next_connection_;
  std::mutex posted_mutex_;
  std::vector<std::shared_ptr<const DeliveryBatch>> posted_;
  // Of the pass: in stable places until the flush, because sockets keep pointers to them.
  std::vector<std::shared_ptr<const DeliveryBatch>> delivering_;
  std::deque<net::SharedBytes> shared_;
  std::uint64_t run_counter_ = 0;
  std::size_t delivered_ = 0;
};

}  // namespace simpleim::gateway
