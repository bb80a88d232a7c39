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
constexpr std::int64_t kTypingEveryMs = 3000;
/// Frames that are not messages, a second and connection.
constexpr std::int64_t kControlPerSecond = 50;
constexpr std::int64_t kControlBurst = 500;
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
  if (sync_) return sync_->note(run.conversation);
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
  if (sync_ && sync_->hold_membership(group, member)) return;
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
    try {
      if (!context.store.accounts().session(signed_in))
        shard.with_session(
            id, [](Session& session) { session.socket_->close(net::CloseCode::kRevoked, "token revoked or expired"); });
    } catch (const store::StoreError&) {
      // The next ping looks again.
    }
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
