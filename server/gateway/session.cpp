#include "gateway/session.h"

#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "gateway/shard.h"
#include "protocol/frame_writer.h"

namespace simpleim::gateway {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using service::ConversationId;
using service::GroupId;

/// Distinct conversations whose delivery is followed between two pings; beyond it messages may be
/// pushed again after a reconnect, and the client drops what it has.
constexpr std::size_t kMaxFollowed = 1024;
/// Times a sync looks again for what arrived while it ran; then the client is told to fetch.
constexpr int kMaxRounds = 20;
constexpr std::int64_t kTypingEveryMs = 3000;
/// Frames that are not messages, a second and connection.
constexpr std::int64_t kControlPerSecond = 50;
constexpr std::int64_t kControlBurst = 500;
/// When the store did not answer.
constexpr std::int64_t kSummaryAgainMs = 2000;
/// Conversations in one frame 60.
constexpr std::size_t kMaxSummary = 2000;

std::string summary_frame(const std::vector<service::ConversationView>& views, bool has_more, std::int64_t now_ms) {
  std::string out;
  base::JsonWriter w(out);
  w.begin_object().field("message_id", "").field("type", 60).field("from", "system").key("content").begin_object();
  w.key("conversations").begin_array();
  for (std::size_t i = 0; i < std::min(views.size(), kMaxSummary); ++i) {
    const auto& view = views[i];
    w.begin_object()
        .field("conversation_id", view.state.conversation.str())
        .field("last_seq", view.last_seq)
        .field("read_seq", view.state.read_seq)
        .field("unread", view.unread)
        .field("mentioned_seq", view.mentioned_seq)
        .end_object();
  }
  w.end_array()
      .field("has_more", has_more || views.size() > kMaxSummary)
      .end_object()
      .field("timestamp", now_ms)
      .end_object();
  return out;
}

}  // namespace

Session::Session(Shard& shard, std::shared_ptr<net::WebSocket> socket, Origin origin, SessionInfo info)
    : shard_(shard), socket_(std::move(socket)), origin_(origin), info_(std::move(info)) {}

Session::~Session() = default;

// ---------------------------------------------------------------- frames

void Session::on_text(std::string_view text) {
  if (user_ == nullptr) return;
  auto frame = shard_.parser().parse(text);
  std::visit([this](auto& f) { handle(std::move(f)); }, frame);
}

void Session::on_binary(std::string_view) {
  socket_->close(net::CloseCode::kUnsupported, "this connection takes text frames");
}

void Session::on_read_end() { shard_.submit_sends(); }

void Session::refuse(std::string_view message_id, const Error& error) {
  auto& out = shard_.scratch_text();
  protocol::write_refusal(out, message_id, info_.user, error, shard_.now_ms());
  socket_->queue_text(out);
}

void Session::send_error(const Error& error, std::string_view ref) {
  auto& out = shard_.scratch_text();
  protocol::write_error(out, error, ref, shard_.now_ms());
  socket_->queue_text(out);
}

bool Session::allow_control_frame(std::string_view ref) {
  const auto wait = control_frames_.take(shard_.context().clock.steady_ms(), kControlPerSecond, kControlBurst);
  if (wait > 0) send_error({ErrorCode::kRateLimited, "too many frames; slow down", "", wait}, ref);
  return wait == 0;
}

void Session::handle(protocol::RefusedFrame&& frame) {
  if (frame.wants_ack && !frame.message_id.empty()) refuse(frame.message_id, frame.error);
  else send_error(frame.error, frame.error.field);
}

bool Session::admit_message(protocol::MessageId& id) {
  auto& context = shard_.context();
  if (id.empty()) id = context.ids.message_id();
  if (drain_retry_ms_ > 0) return refuse(id.view(), {ErrorCode::kDraining, "draining", "", drain_retry_ms_}), false;
  const auto wait = user_->messages.take(context.clock.steady_ms(), context.messages_per_second, context.message_burst);
  if (wait > 0)
    return refuse(id.view(),
                  {ErrorCode::kRateLimited,
                   "at most " + std::to_string(context.messages_per_second) + " messages a second; try again later", "",
                   wait}),
           false;
  ++in_flight_;
  return true;
}

void Session::handle(protocol::SendFrame&& frame) {
  if (admit_message(frame.message_id)) shard_.send({std::move(frame), info_.user, origin_});
}

void Session::handle(protocol::OperationFrame&& frame) {
  if (!admit_message(frame.message_id)) return;
  shard_.submit_sends();  // it may be about a message that was read just before
  const auto id = frame.message_id;
  if (shard_.context().commits->operate({std::move(frame), info_.user, origin_})) return;
  --in_flight_;
  refuse(id.view(), {ErrorCode::kUnavailable, "the server is busy; try again", "", 1000});
}

void Session::handle(protocol::MarkFrame&& frame) {
  if (!allow_control_frame()) return;
  if (frame.type == protocol::FrameType::kDelivered) reports_delivery_ = true;
  if (!frame.conversation.is_group() && !frame.conversation.has(info_.user))
    return send_error({ErrorCode::kNotFound, "content.conversation_id: no such conversation"},
                      "content.conversation_id");
  if (!shard_.context().commits->mark({frame, info_.user, origin_}))
    send_error({ErrorCode::kUnavailable, "the server is busy; try again", "", 1000}, "");
}

void Session::handle(protocol::CallFrame&& frame) {
  const std::string call_id(frame.call.view());
  if (!allow_control_frame(call_id)) return;
  auto* calls = shard_.context().calls;
  const auto accepted =
      shard_.context().commits->post([calls, frame = std::move(frame), from = info_.user, origin = origin_](
                                         service::Batch& batch) { calls->signal(batch, frame, from, origin); });
  if (!accepted) send_error({ErrorCode::kUnavailable, "the server is busy; try again", "", 1000}, call_id);
}

void Session::handle(protocol::TypingFrame&& frame) {
  if (!allow_control_frame()) return;
  const auto conversation = frame.to ? ConversationId::between(info_.user, frame.to) : frame.conversation;
  if (!conversation.is_group() && !conversation.has(info_.user))
    return send_error({ErrorCode::kNotFound, "content.conversation_id: no such conversation"},
                      "content.conversation_id");
  const auto now = shard_.context().clock.steady_ms();
  std::erase_if(typed_at_, [&](const auto& entry) { return entry.second + kTypingEveryMs <= now; });
  if (std::any_of(typed_at_.begin(), typed_at_.end(), [&](const auto& entry) { return entry.first == conversation; }))
    return;
  typed_at_.emplace_back(conversation, now);
  // An ephemeral signal may be lost when the server is busy.
  (void)shard_.context().commits->typing({conversation, info_.user, origin_});
}

void Session::handle(protocol::PresenceFrame&& frame) {
  if (!allow_control_frame()) return;
  shard_.topics().unsubscribe_kind(*this, TopicKey::Kind::kPresence);
  for (const auto user : frame.users) shard_.topics().subscribe(*this, TopicKey::presence_of(user));
  auto& context = shard_.context();
  const auto accepted =
      context.workers.submit([&context, &shard = shard_, id = origin_.connection, users = std::move(frame.users)] {
        const auto found = context.store.accounts().users(users);
        const auto online = context.presence.lookup(users);
        if (context.link != nullptr)
          for (const auto& presence : online) context.link->presence_shown(presence.user, presence.online);
        shard.with_session(id, [found, online](Session& session) {
          const auto now = session.shard_.now_ms();
          for (const auto& user : found) {
            const auto state =
                std::find_if(online.begin(), online.end(), [&](const auto& p) { return p.user == user.id; });
            auto& out = session.shard_.scratch_text();
            protocol::write_presence(out, user.id, state != online.end() && state->online, user.last_seen, now);
            session.socket_->queue_text(out);
          }
        });
      });
  if (!accepted) send_error({ErrorCode::kUnavailable, "the server is busy; try again", "", 1000}, "");
}

void Session::handle(protocol::SyncFrame&&) {
  if (allow_control_frame()) send_summary();
}

void Session::handle(protocol::HeartbeatFrame&&) {
  if (!allow_control_frame()) return;
  auto& out = shard_.scratch_text();
  protocol::write_heartbeat(out, shard_.now_ms());
  socket_->queue_text(out);
}

// ---------------------------------------------------------------- delivery

bool Session::is_gapped(ConversationId conversation) const {
  return std::find(gapped_.begin(), gapped_.end(), conversation) != gapped_.end();
}

void Session::note_delivered(ConversationId conversation, std::int64_t seq) {
  if (reports_delivery_ || (!gapped_.empty() && is_gapped(conversation))) return;
  for (auto& seen : delivered_) {
    if (seen.conversation != conversation) continue;
    seen.seq = std::max(seen.seq, seq);
    return;
  }
  if (delivered_.size() < kMaxFollowed) delivered_.push_back({conversation, seq});
}

void Session::deliver(const Run& run, const DeliveryBatch& batch, const net::SharedBytes& bytes, bool own) {
  if (sync_) {
    auto& changed = sync_->changed;
    if (std::find(changed.begin(), changed.end(), run.conversation) == changed.end())
      changed.push_back(run.conversation);
    return;
  }
  const auto* first = &batch.messages[run.first];
  if (!own && synced_.empty()) {
    socket_->queue(bytes);
  } else {
    std::int64_t known = 0;
    for (const auto& seen : synced_)
      if (seen.conversation == run.conversation) known = seen.seq;
    for (const auto* message = first; message != first + run.count; ++message) {
      if (message->origin.connection == origin_.connection || message->seq <= known) continue;
      socket_->queue(bytes, std::string_view(batch.bytes).substr(message->offset, message->size));
    }
  }
  if (!run.conversation.is_group()) note_delivered(run.conversation, first[run.count - 1].seq);
}

void Session::answer(const Answer& answer) {
  if (const auto* signal = std::get_if<service::SignalRefused>(&answer)) return send_error(signal->error, signal->ref);
  if (in_flight_ > 0) --in_flight_;
  auto& out = shard_.scratch_text();
  if (const auto* ok = std::get_if<service::MessageAccepted>(&answer)) {
    protocol::write_ack(out, ok->id.view(), ok->to, ok->conversation, ok->seq, ok->timestamp);
  } else {
    const auto& refused = std::get<service::MessageRefused>(answer);
    protocol::write_refusal(out, refused.id.view(), refused.to, refused.error, shard_.now_ms());
  }
  socket_->queue_text(out);
  if (drain_retry_ms_ > 0 && in_flight_ == 0) close_drained();
}

void Session::membership_changed(GroupId group, bool member) {
  if (sync_ && !sync_->subscribed) {
    sync_->membership_changes.emplace_back(group, member);
    return;
  }
  if (resync_) resync_->membership_changes.emplace_back(group, member);
  if (!member) return shard_.topics().unsubscribe(*this, TopicKey::of(group));
  if (hears(group)) return;
  shard_.topics().subscribe(*this, TopicKey::of(group));
  if (auto* link = shard_.context().link) link->joined(info_.user, group);
}

bool Session::hears(GroupId group) const {
  return std::any_of(subscriptions_.begin(), subscriptions_.end(),
                     [&](const Subscription& s) { return s.topic->key == TopicKey::of(group); });
}

void Session::on_ping() {
  if (info_.token_expires_ms <= shard_.now_ms())
    return socket_->close(net::CloseCode::kRevoked, "token revoked or expired");
  check_session();
  synced_.clear();
  if (reports_delivery_) return;
  if (!pinged_.empty()) {  // the last ping is still unanswered; this one confirms both
    for (const auto& seen : pinged_) note_delivered(seen.conversation, seen.seq);
  }
  pinged_ = std::move(delivered_);
  delivered_ = {};
  for (auto& subscription : subscriptions_) {
    const auto& topic = *subscription.topic;
    if (topic.key.kind != TopicKey::Kind::kGroup || topic.last_seq <= subscription.confirmed_seq) continue;
    const auto conversation = ConversationId::of(GroupId{topic.key.id});
    if (!is_gapped(conversation)) pinged_.push_back({conversation, topic.last_seq});
    subscription.confirmed_seq = topic.last_seq;
  }
}

/// An operator's command ends sessions behind the server's back; this notices.
void Session::check_session() {
  auto& context = shard_.context();
  // When the pool is full the next ping looks again.
  (void)context.workers.submit([&context, &shard = shard_, id = origin_.connection, signed_in = info_.session] {
    if (!context.store.accounts().session(signed_in))
      shard.with_session(
          id, [](Session& session) { session.socket_->close(net::CloseCode::kRevoked, "token revoked or expired"); });
  });
}

void Session::on_pong() {
  for (const auto& seen : pinged_) {
    const protocol::MarkFrame mark{protocol::FrameType::kDelivered, seen.conversation, seen.seq};
    // When the queue is full the mark is lost, and the messages are pushed again after a reconnect.
    if (!reports_delivery_) (void)shard_.context().commits->mark({mark, info_.user, origin_});
  }
  pinged_ = {};
}

void Session::on_closed(net::CloseCode code) {
  if (code == net::CloseCode::kSlowConsumer) shard_.context().metrics.closed_slow.Increment();
  if (code == net::CloseCode::kHeartbeatTimeout) shard_.context().metrics.closed_silent.Increment();
  user_.reset();
  // Deliveries walk the topics this session stands in: it leaves them when none is under way.
  shard_.thread().post([this] { shard_.remove(*this); });
}

// ---------------------------------------------------------------- sync

void Session::read_store(std::function<void()> read) {
  const auto accepted =
      shard_.context().workers.submit([&shard = shard_, id = origin_.connection, read = std::move(read)] {
        try {
          read();
        } catch (const store::StoreError&) {
          shard.with_session(id, [](Session& session) {
            session.socket_->close(net::CloseCode::kInternal, "the store does not answer; reconnect");
          });
        }
      });
  if (!accepted) socket_->close(net::CloseCode::kInternal, "the server is busy; reconnect");
}

void Session::settle(std::function<void(Session&)> then) {
  auto* link = shard_.context().link;
  if (link == nullptr) return then(*this);
  link->settle([&shard = shard_, id = origin_.connection, then = std::move(then)] { shard.with_session(id, then); });
}

void Session::start_sync(AdmissionGate::Ticket ticket) {
  auto& context = shard_.context();
  sync_ = std::make_unique<SyncState>();
  sync_->ticket = std::move(ticket);
  sync_->sync = std::make_shared<service::Sync>(context.store, context.conversations, info_.user,
                                                service::Sync::Options{context.sync_push_limit, 256});
  sync_->reading = true;
  settle([](Session& session) {
    auto& shard = session.shard_;
    auto& store = shard.context().store;
    session.read_store([&shard, &store, id = session.origin_.connection, user = session.info_.user,
                        signed_in = session.info_.session] {
      // Whoever ends a session closes the connections he finds; this one was not to be found before.
      if (!store.accounts().session(signed_in))
        return shard.with_session(
            id, [](Session& one) { one.socket_->close(net::CloseCode::kRevoked, "token revoked or expired"); });
      auto groups = store.groups().group_ids_of(user);
      shard.with_session(id, [groups = std::move(groups)](Session& one) { one.subscribe_groups(groups); });
    });
  });
}

void Session::subscribe_groups(const std::vector<GroupId>& groups) {
  auto& topics = shard_.topics();
  for (const auto group : groups) topics.subscribe(*this, TopicKey::of(group));
  sync_->subscribed = true;
  for (const auto& [group, member] : sync_->membership_changes) membership_changed(group, member);
  // From then on nothing can be missed: what is stored before is found by reading, what comes after it is noted in
  // `changed`.
  settle([](Session& session) { session.begin_sync(); });
}

void Session::begin_sync() {
  if (info_.sync == SyncMode::kSummary) return finish_sync();
  read_store([&shard = shard_, id = origin_.connection, sync = sync_->sync] {
    sync->begin();
    auto messages = sync->next();
    shard.with_session(id, [messages = std::move(messages)](Session& session) { session.push_chunk(messages); });
  });
}

void Session::read_chunk() {
  sync_->reading = true;
  read_store([&shard = shard_, id = origin_.connection, sync = sync_->sync, changed = std::move(sync_->changed)] {
    for (const auto& conversation : changed) sync->revisit(conversation);
    auto messages = sync->next();
    shard.with_session(id, [messages = std::move(messages)](Session& session) { session.push_chunk(messages); });
  });
  sync_->changed.clear();
}

void Session::push_chunk(const std::vector<service::Message>& messages) {
  sync_->reading = false;
  for (const auto& message : messages) {
    auto& out = shard_.scratch_text();
    protocol::write_message(out, message);
    socket_->queue_text(out);
  }
  if (!messages.empty()) note_delivered(messages.back().conversation, messages.back().seq);
  socket_->flush();
  if (!messages.empty()) {
    if (socket_->unsent() == 0) read_chunk();
    return;  // otherwise on_drained() goes on
  }
  if ((!sync_->changed.empty() || is_behind()) && ++sync_->rounds < kMaxRounds) return read_chunk();
  finish_sync();
}

bool Session::is_behind() {
  auto* link = shard_.context().link;
  if (link == nullptr) return false;
  std::vector<Feed::Place> places;
  for (const auto& [conversation, seq] : sync_->sync->ends()) places.push_back({conversation, seq});
  sync_->changed = link->anchor(info_.user, places);
  return !sync_->changed.empty();
}

void Session::on_drained() {
  if (sync_ && sync_->subscribed && !sync_->reading) read_chunk();
}

void Session::finish_sync() {
  const auto finished = std::move(sync_);
  for (const auto& reached : finished->sync->reached()) {
    if (reached.has_more) gapped_.push_back(reached.conversation);
    synced_.push_back({reached.conversation, reached.seq});
  }
  send_summary();
  if (std::exchange(resync_again_, false)) resync();
}

void Session::send_summary() {
  auto& context = shard_.context();
  const auto accepted = context.workers.submit(
      [&context, &shard = shard_, id = origin_.connection, user = info_.user, gapped = !gapped_.empty()] {
        try {
          const auto views = context.conversations.summary(user);
          if (context.link != nullptr) {
            std::vector<Feed::Place> places;
            for (const auto& view : views) places.push_back({view.state.conversation, view.last_seq});
            (void)context.link->anchor(user, places);
          }
          const auto text = summary_frame(views, gapped, context.clock.now_ms());
          shard.with_session(id, [text](Session& session) { session.socket_->queue_text(text); });
        } catch (const store::StoreError&) {
          // Who is up to date stays connected, and is told where he stands once that is known.
          shard.with_session(id, [&shard](Session& session) {
            shard.later(session.origin_.connection, kSummaryAgainMs, [](Session& one) { one.send_summary(); });
          });
        }
      });
  if (!accepted) socket_->close(net::CloseCode::kInternal, "the server is busy; reconnect");
}

void Session::resync() {
  if (sync_ || resync_) {
    resync_again_ = true;
    return;
  }
  resync_ = std::make_unique<Resync>();
  auto& store = shard_.context().store;
  read_store([&shard = shard_, &store, id = origin_.connection, user = info_.user] {
    auto groups = store.groups().group_ids_of(user);
    shard.with_session(id, [groups = std::move(groups)](Session& session) { session.set_groups(groups); });
  });
}

void Session::set_groups(const std::vector<GroupId>& groups) {
  auto& topics = shard_.topics();
  std::vector<TopicKey> wanted;
  for (const auto group : groups) wanted.push_back(TopicKey::of(group));
  std::vector<TopicKey> unwanted;
  for (const auto& subscription : subscriptions_) {
    const auto& key = subscription.topic->key;
    if (key.kind == TopicKey::Kind::kGroup && std::find(wanted.begin(), wanted.end(), key) == wanted.end())
      unwanted.push_back(key);
  }
  for (const auto& key : unwanted) topics.unsubscribe(*this, key);
  for (const auto& key : wanted) topics.subscribe(*this, key);
  const auto finished = std::move(resync_);
  for (const auto& [group, member] : finished->membership_changes) membership_changed(group, member);
  settle([](Session& session) { session.send_summary(); });
  if (std::exchange(resync_again_, false)) resync();
}

// ---------------------------------------------------------------- drain

void Session::drain(std::int64_t retry_after_ms) {
  drain_retry_ms_ = retry_after_ms;
  if (in_flight_ == 0) close_drained();
}

void Session::close_drained() {
  send_error({ErrorCode::kDraining, "draining", "", drain_retry_ms_}, "");
  socket_->close(net::CloseCode::kDraining, "the server is shutting down; reconnect");
}

}  // namespace simpleim::gateway
