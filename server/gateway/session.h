#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cluster/presence_directory.h"
#include "gateway/delivery_batch.h"
#include "gateway/directory.h"
#include "gateway/session_sync.h"
#include "gateway/topic_index.h"
#include "net/websocket.h"
#include "protocol/encoding.h"
#include "protocol/frame_parser.h"

namespace simpleim::gateway {

class Shard;

/// Who a connection belongs to.
struct SessionInfo {
  service::UserId user;
  service::SessionId session;
  std::string device_id;
  std::int64_t token_expires_ms = 0;
  bool hides_online = false;
  SyncMode sync = SyncMode::kPush;
  protocol::Encoding encoding = protocol::Encoding::kJson;
};

/// A signed-in connection. It hands the frames of its client to the commit loop, writes to the socket what commits and
/// other users bring, and remembers what it has to for that: which groups it listens to, how far delivery is confirmed,
/// and, while the client is brought up to date, its SessionSync.
///
/// All calls come on the I/O thread of its shard; the WebSocket owns it. Work for other threads is handed over with the
/// id of the connection, because the session may be gone when the answer comes.
class Session final : public net::WebSocketHandler, private SessionSync::Host {
 public:
  Session(Shard& shard, std::shared_ptr<net::WebSocket> socket, Origin origin, SessionInfo info);
  ~Session() override;

  const SessionInfo& info() const { return info_; }
  const Origin& origin() const { return origin_; }
  net::WebSocket& socket() { return *socket_; }
  std::vector<Subscription>& subscriptions() { return subscriptions_; }
  void set_user(std::shared_ptr<Directory::User> user) { user_ = std::move(user); }

  // --- net::WebSocketHandler ---
  void on_text(std::string_view text) override;
  void on_binary(std::string_view bytes) override;
  void on_read_end() override;
  void on_ping() override;
  void on_pong() override;
  void on_drained() override;
  void on_closed(net::CloseCode code) override;

  // --- delivery ---
  /// Queues a frame that is nobody else's, given as JSON.
  void send(std::string_view json);
  /// Queues a notice.
  void deliver(StepFrames& frames);
  /// Queues a run. `own` when some of its messages came from this very connection.
  void deliver(const Run& run, const DeliveryBatch& batch, StepFrames& frames, bool own);
  void answer(const Answer& answer);
  /// Group membership changed while the session was still loading its groups.
  void membership_changed(const service::MembershipChanged& changed);
  /// Sets the mark that this session sent a message of the run being delivered.
  void mark_origin(std::uint64_t run) { origin_of_run_ = run; }
  bool is_origin_of(std::uint64_t run) const { return origin_of_run_ == run; }

  /// Loads groups and what was missed; called once the session is registered.
  void start_sync(AdmissionGate::Turn turn);
  /// Frame 60 again: something may have been missed.
  void send_summary();
  /// After an interruption: reads its groups again, then frame 60.
  void resync();
  bool hears(service::GroupId group) const;
  /// Says goodbye (4010) once nothing of this session waits for its ACK.
  void drain(std::int64_t retry_after_ms);

 private:
  /// Memberships that changed while the groups are read again.
  struct Resync {
    std::vector<service::MembershipChanged> membership_changes;
  };
  struct Seen {
    service::ConversationId conversation;
    std::int64_t seq;
  };

  void handle(protocol::RefusedFrame&& frame);
  void handle(protocol::SendFrame&& frame);
  void handle(protocol::OperationFrame&& frame);
  void handle(protocol::CallFrame&& frame);
  void handle(protocol::MarkFrame&& frame);
  /// Fills in what a client left out; false when the message was refused.
  bool admit_message(protocol::MessageId& id);
  void handle(protocol::TypingFrame&& frame);
  void handle(protocol::PresenceFrame&& frame);
  void handle(protocol::SyncFrame&& frame);
  void handle(protocol::QueryFrame&& frame);
  void answer_query(std::string_view ref, int status, std::string_view body);
  void handle(protocol::HeartbeatFrame&& frame);
  void show_presence(const std::vector<store::User>& users, const std::vector<cluster::Presence>& online);
  Form form() const { return {info_.encoding, socket_->takes_shared_deflate()}; }
  void acknowledge(const service::MessageAccepted& ok);
  void refuse(std::string_view message_id, const protocol::Error& error);
  void send_error(const protocol::Error& error, std::string_view ref);
  /// `ref`: what the error is about when there are too many.
  bool allow_control_frame(std::string_view ref = "");
  std::int64_t take_control_frame();

  /// Runs `read` on a worker. A store that does not answer, or a full pool, closes the connection: the client comes
  /// back.
  void read_store(std::function<void()> read);
  /// Calls `then` on this session once the bus brings what it has subscribed to.
  void settle_session(std::function<void(Session&)> then);
  void set_groups(const std::vector<store::Membership>& groups);

  // --- SessionSync::Host ---
  void read(std::function<SessionSync::Next()> work) override;
  void settle(SessionSync::Next then) override;
  bool is_contended() const override;
  void reenter(std::function<void(SessionSync&, AdmissionGate::Turn)> then) override;
  void subscribe(const store::Membership& membership) override;
  void apply_membership(const service::MembershipChanged& changed) override;
  void push(const std::vector<service::Message>& messages) override;
  bool has_taken_all() const override;
  std::vector<service::ConversationId> ahead_of(
      const std::vector<std::pair<service::ConversationId, std::int64_t>>& ends) override;
  void revoked() override;
  void synced(const std::vector<service::Sync::Reached>& reached) override;

  void ring();
  void note_delivered(service::ConversationId conversation, std::int64_t seq);
  bool is_gapped(service::ConversationId conversation) const;
  std::int64_t visible_from(service::ConversationId conversation) const;
  void check_session();
  void close_drained();

  Shard& shard_;
  const std::shared_ptr<net::WebSocket> socket_;
  const Origin origin_;
  const SessionInfo info_;
  std::shared_ptr<Directory::User> user_;
  std::vector<Subscription> subscriptions_;
  /// While it is brought up to date: live messages wait in the store.
  std::unique_ptr<SessionSync> sync_;
  std::unique_ptr<Resync> resync_;
  /// Another interruption came while sync_ or resync_ was under way: resync() once more when it is over.
  bool resync_again_ = false;

  /// A client that never says what it has (frame 37) confirms it by answering pings: what was written before the ping
  /// has then been delivered. Private conversations, with the last seq that was written since the last ping.
  std::vector<Seen> delivered_;
  /// The same of before the ping that is not answered yet; groups, too.
  std::vector<Seen> pinged_;
  /// Conversations that had more than one sync brings: what follows proves nothing about what is missing in between.
  std::vector<service::ConversationId> gapped_;
  /// How far the sync came, until the next ping: a delivery that was under way then may bring the same once more.
  std::vector<Seen> synced_;
  std::vector<std::pair<service::ConversationId, std::int64_t>> typed_at_;
  std::uint64_t origin_of_run_ = 0;
  service::RateLimit control_frames_;
  service::RateLimit over_limit_;
  service::RateLimit summaries_;
  std::int64_t drain_retry_ms_ = 0;
  std::uint32_t in_flight_ = 0;
  /// Queries that are not answered yet.
  std::uint32_t asked_ = 0;
  bool reports_delivery_ = false;
};

}  // namespace simpleim::gateway
