#include "gateway/session.h"

#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "gateway/shard.h"
#include "protocol/error_body.h"
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
/// Frames that are not messages, a second and connection; also those that are refused as they stand. The same again
/// may come while they are refused for that, then the connection ends with 1008.
constexpr std::int64_t kControlPerSecond = 50;
constexpr std::int64_t kControlBurst = 500;
constexpr std::int64_t kSummariesPerSecond = 1;
/// Queries of one connection at the same time, and bytes of an answer: they share limits.outbound_queue_bytes with
/// messages.
constexpr std::uint32_t kMaxQueries = 8;
constexpr std::size_t kMaxQueryAnswer = 256 << 10;
constexpr std::int64_t kSummaryBurst = 10;

Error too_many_frames(std::int64_t wait_ms) {
  return {ErrorCode::kRateLimited, "too many frames; slow down", "", wait_ms};
}

}  // namespace

Session::Session(Shard& shard, std::shared_ptr<net::WebSocket> socket, Origin origin, SessionInfo info)
    : shard_(shard), socket_(std::move(socket)), origin_(origin), info_(std::move(info)) {}

Session::~Session() = default;

// ---------------------------------------------------------------- frames

void Session::on_text(std::string_view text) {
  if (user_ == nullptr) return;
  if (info_.encoding != protocol::Encoding::kJson)
    return socket_->close(net::CloseCode::kUnsupported, "this connection takes binary frames");
  auto frame = shard_.parser().parse(text);
  std::visit([this](auto& f) { handle(std::move(f)); }, frame);
}

void Session::on_binary(std::string_view bytes) {
  if (user_ == nullptr) return;
  if (info_.encoding != protocol::Encoding::kProtobuf)
    return socket_->close(net::CloseCode::kUnsupported, "this connection takes text frames");
  auto frame = shard_.parser().parse_protobuf(bytes);
  std::visit([this](auto& f) { handle(std::move(f)); }, frame);
}

void Session::send(std::string_view json) {
  if (info_.encoding == protocol::Encoding::kJson) return socket_->queue_text(json);
  socket_->queue_frame(net::Opcode::kBinary, shard_.as_protobuf(json));
}

void Session::on_read_end() { shard_.submit_sends(); }

void Session::refuse(std::string_view message_id, const Error& error) {
  auto& out = shard_.scratch_text();
  protocol::write_refusal(out, message_id, info_.user, error, shard_.now_ms());
  send(out);
}

void Session::send_error(const Error& error, std::string_view ref) {
  auto& out = shard_.scratch_text();
  protocol::write_error(out, info_.user, error, ref, shard_.now_ms());
  send(out);
}

/// 0, or ms until there may be another one. Whoever does not care loses the connection.
std::int64_t Session::take_control_frame() {
  const auto now = shard_.context().clock.steady_ms();
  const auto wait = control_frames_.take(now, kControlPerSecond, kControlBurst);
  if (wait > 0 && over_limit_.take(now, kControlPerSecond, kControlBurst) > 0)
    socket_->close(net::CloseCode::kPolicy, "too many frames");
  return wait;
}

bool Session::allow_control_frame(std::string_view ref) {
  const auto wait = take_control_frame();
  if (wait > 0 && socket_->is_open()) send_error(too_many_frames(wait), ref);
  return wait == 0;
}

void Session::handle(protocol::RefusedFrame&& frame) {
  if (const auto wait = take_control_frame(); wait > 0) frame.error = too_many_frames(wait);
  if (!socket_->is_open()) return;
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
  const auto accepted = context.workers.submit(
      [&context, &shard = shard_, id = origin_.connection, me = info_.user, users = std::move(frame.users)] {
        try {
          auto found = context.store.accounts().users(users);
          std::vector<service::UserId> unwelcome;
          std::erase_if(found, [&](const store::User& user) {
            if (!context.store.accounts().has_blocked(user.id, me)) return false;
            unwelcome.push_back(user.id);
            return true;
          });
          const auto online = context.presence.lookup(users);
          if (context.link != nullptr)
            for (const auto& presence : online) context.link->presence_shown(presence.user, presence.online);
          shard.with_session(id, [found, online, unwelcome](Session& session) {
            for (const auto user : unwelcome) session.shard_.topics().unsubscribe(session, TopicKey::presence_of(user));
            session.show_presence(found, online);
          });
        } catch (const store::StoreError& e) {
          shard.with_session(id, [error = e.as_error()](Session& session) { session.send_error(error, ""); });
        }
      });
  if (!accepted) send_error({ErrorCode::kUnavailable, "the server is busy; try again", "", 1000}, "");
}

void Session::show_presence(const std::vector<store::User>& users, const std::vector<cluster::Presence>& online) {
  const auto now = shard_.now_ms();
  for (const auto& user : users) {
    const auto state = std::find_if(online.begin(), online.end(), [&](const auto& p) { return p.user == user.id; });
    auto& out = shard_.scratch_text();
    protocol::write_presence(out, info_.user, user.id, state != online.end() && state->online,
                             user.hides_last_seen ? 0 : user.last_seen, now);
    send(out);
  }
}

void Session::handle(protocol::SyncFrame&&) {
  if (!allow_control_frame()) return;
  // Each looks at all conversations of the user.
  const auto wait = summaries_.take(shard_.context().clock.steady_ms(), kSummariesPerSecond, kSummaryBurst);
  if (wait > 0) return send_error(too_many_frames(wait), "");
  send_summary();
}

void Session::handle(protocol::QueryFrame&& frame) {
  if (!allow_control_frame(frame.ref)) return;
  if (asked_ >= kMaxQueries)
    return answer_query(frame.ref, protocol::http_status(ErrorCode::kRateLimited),
                        protocol::error_body(too_many_frames(1000)));
  ++asked_;
  auto reply = [&shard = shard_, id = origin_.connection, ref = frame.ref](int status, std::string body) {
    shard.with_session(id, [ref, status, body = std::move(body)](Session& session) {
      --session.asked_;
      session.answer_query(ref, status, body);
    });
  };
  shard_.context().answer_query(info_, std::move(frame), std::move(reply));
}

void Session::answer_query(std::string_view ref, int status, std::string_view body) {
  const Error too_large{ErrorCode::kTooLarge, "the answer does not fit into a frame; ask for less, or over REST"};
  auto& out = shard_.scratch_text();
  if (body.size() <= kMaxQueryAnswer) protocol::write_query_answer(out, info_.user, ref, status, body, shard_.now_ms());
  else
    protocol::write_query_answer(out, info_.user, ref, protocol::http_status(too_large.code),
                                 protocol::error_body(too_large), shard_.now_ms());
  send(out);
}

void Session::handle(protocol::HeartbeatFrame&&) {
  if (!allow_control_frame()) return;
  auto& out = shard_.scratch_text();
  protocol::write_heartbeat(out, info_.user, shard_.now_ms());
  send(out);
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

void Session::deliver(StepFrames& frames) { socket_->queue(frames.whole(form())); }

void Session::deliver(const Run& run, const DeliveryBatch& batch, StepFrames& frames, bool own) {
  if (sync_) return sync_->note(run.conversation);
  const auto* first = &batch.messages[run.first];
  const auto visible = run.has_edits ? visible_from(run.conversation) : 1;
  if (!own && synced_.empty() && visible <= 1) {
    socket_->queue(frames.whole(form()));
  } else {
    std::int64_t known = 0;
    for (const auto& seen : synced_)
      if (seen.conversation == run.conversation) known = seen.seq;
    for (auto i = run.first; i < run.first + run.count; ++i) {
      const auto* message = &batch.messages[i];
      if (message->origin.connection == origin_.connection || message->seq <= known) continue;
      if (message->edits == 0 || message->edits >= visible)
        socket_->queue(frames.whole(form()), frames.message(form(), i));
      else send(batch.bare_entries[message->bare]);
    }
  }
  if (!run.conversation.is_group()) note_delivered(run.conversation, first[run.count - 1].seq);
}

std::int64_t Session::visible_from(ConversationId conversation) const {
  if (!conversation.is_group()) return 1;
  const auto key = TopicKey::of(conversation.group());
  for (const auto& subscription : subscriptions_)
    if (subscription.topic->key == key) return subscription.visible_from;
  return 1;
}

void Session::answer(const Answer& answer) {
  if (const auto* signal = std::get_if<service::SignalRefused>(&answer)) return send_error(signal->error, signal->ref);
  if (in_flight_ > 0) --in_flight_;
  if (const auto* ok = std::get_if<service::MessageAccepted>(&answer)) {
    acknowledge(*ok);
  } else {
    const auto& refused = std::get<service::MessageRefused>(answer);
    auto& out = shard_.scratch_text();
    protocol::write_refusal(out, refused.id.view(), refused.to, refused.error, shard_.now_ms());
    send(out);
  }
  if (drain_retry_ms_ > 0 && in_flight_ == 0) close_drained();
}

void Session::acknowledge(const service::MessageAccepted& ok) {
  auto& out = shard_.scratch_text();
  if (info_.encoding == protocol::Encoding::kJson) {
    protocol::write_ack(out, ok.id.view(), ok.to, ok.conversation, ok.seq, ok.timestamp);
    return socket_->queue_text(out);
  }
  shard_.encoder().encode_ack(out, ok.id.view(), ok.to, ok.conversation, ok.seq, ok.timestamp);
  socket_->queue_frame(net::Opcode::kBinary, out);
}

void Session::membership_changed(const service::MembershipChanged& changed) {
  const auto group = changed.group;
  if (sync_ && sync_->hold_membership(changed)) return;
  if (resync_) resync_->membership_changes.push_back(changed);
  if (!changed.member) return shard_.topics().unsubscribe(*this, TopicKey::of(group));
  if (hears(group)) return;
  shard_.topics().subscribe(*this, TopicKey::of(group), changed.visible_from);
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
  if (!pinged_.empty()) {  // the last ping is still unanswered; the answer to this one confirms both
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
  // What came just before the end was said all the same; it must not wait until another socket is read.
  shard_.submit_sends();
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
