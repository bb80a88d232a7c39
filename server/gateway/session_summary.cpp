#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "gateway/session.h"
#include "gateway/shard.h"
#include "protocol/frame_writer.h"

/// Where a session stands: what brings it up to date asks here (session_sync.h), and what it is told afterwards and
/// after an interruption.
namespace simpleim::gateway {
namespace {

using service::GroupId;

/// When the store did not answer.
constexpr std::int64_t kSummaryAgainMs = 2000;
/// Messages that one reading of the store brings.
constexpr std::size_t kSyncPiece = 256;
/// Conversations in one frame 60.
constexpr std::size_t kMaxSummary = 2000;

std::string summary_frame(service::UserId to, const std::vector<service::ConversationView>& views, bool has_more,
                          std::int64_t now_ms) {
  std::string out;
  base::JsonWriter w(out);
  w.begin_object()
      .field("message_id", "")
      .field("type", static_cast<int>(protocol::FrameType::kSync))
      .field("from", "system")
      .field("to", to.str())
      .key("content")
      .begin_object();
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

void Session::settle_session(std::function<void(Session&)> then) {
  auto* link = shard_.context().link;
  if (link == nullptr) return then(*this);
  link->settle([&shard = shard_, id = origin_.connection, then = std::move(then)] { shard.with_session(id, then); });
}

void Session::start_sync(AdmissionGate::Turn turn) {
  auto& context = shard_.context();
  sync_ = std::make_unique<SessionSync>(
      static_cast<SessionSync::Host&>(*this), context.store, SessionSync::Who{info_.user, info_.session}, info_.sync,
      std::make_shared<service::Sync>(context.store, info_.user,
                                      service::Sync::Options{context.sync_push_limit, kSyncPiece}),
      std::move(turn));
  sync_->start();
}

void Session::on_drained() {
  if (sync_) sync_->drained();
}

// ---------------------------------------------------------------- SessionSync::Host

void Session::read(std::function<SessionSync::Next()> work) {
  read_store([&shard = shard_, id = origin_.connection, work = std::move(work)] {
    shard.with_session(id, [next = work()](Session& session) {
      if (session.sync_) next(*session.sync_);
    });
  });
}

void Session::settle(SessionSync::Next then) {
  settle_session([then = std::move(then)](Session& session) {
    if (session.sync_) then(*session.sync_);
  });
}

bool Session::is_contended() const { return shard_.context().admission->is_contended(); }

void Session::reenter(std::function<void(SessionSync&, AdmissionGate::Turn)> then) {
  shard_.context().admission->reenter(
      [&shard = shard_, id = origin_.connection, then = std::move(then)](AdmissionGate::Turn turn) {
        shard.with_session(id, [then, turn = std::move(turn)](Session& session) mutable {
          if (session.sync_) then(*session.sync_, std::move(turn));
        });
      });
}

void Session::subscribe(const store::Membership& membership) {
  shard_.topics().subscribe(*this, TopicKey::of(membership.group), membership.joined_seq);
}

void Session::apply_membership(const service::MembershipChanged& changed) { membership_changed(changed); }

void Session::push(const std::vector<service::Message>& messages) {
  for (const auto& message : messages) {
    auto& out = shard_.scratch_text();
    protocol::write_message(out, message);
    send(out);
  }
  note_delivered(messages.back().conversation, messages.back().seq);
  socket_->flush();
}

bool Session::has_taken_all() const { return socket_->unsent() == 0; }

std::vector<service::ConversationId> Session::ahead_of(
    const std::vector<std::pair<service::ConversationId, std::int64_t>>& ends) {
  auto* link = shard_.context().link;
  if (link == nullptr) return {};
  std::vector<Feed::Place> places;
  for (const auto& [conversation, seq] : ends) places.push_back({conversation, seq});
  return link->anchor(info_.user, places);
}

void Session::revoked() { socket_->close(net::CloseCode::kRevoked, "token revoked or expired"); }

void Session::synced(const std::vector<service::Sync::Reached>& reached) {
  for (const auto& place : reached) {
    if (place.has_more) gapped_.push_back(place.conversation);
    synced_.push_back({place.conversation, place.seq});
  }
  const auto finished = std::move(sync_);
  send_summary();
  ring();
  if (std::exchange(resync_again_, false)) resync();
}

/// A call that rings does so on this device, too, from now on.
void Session::ring() {
  auto& context = shard_.context();
  // When the pool is full or the store away it rings on the others.
  (void)context.workers.submit([&context, &shard = shard_, id = origin_.connection, user = info_.user] {
    try {
      const auto calls = context.store.calls().ringing_for(user);
      if (calls.empty()) return;
      shard.with_session(id, [calls](Session& session) {
        for (const auto& call : calls) {
          auto& out = session.shard_.scratch_text();
          protocol::write_call(out, protocol::FrameType::kCallInvite, call.offer, call.caller, call.callee,
                               session.shard_.now_ms());
          session.send(out);
        }
      });
    } catch (const store::StoreError&) {
      // He may be called again.
    }
  });
}

// ---------------------------------------------------------------- after an interruption

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
          const auto text = summary_frame(user, views, gapped, context.clock.now_ms());
          shard.with_session(id, [text](Session& session) { session.send(text); });
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
    auto groups = store.groups().memberships_of(user);
    shard.with_session(id, [groups = std::move(groups)](Session& session) { session.set_groups(groups); });
  });
}

void Session::set_groups(const std::vector<store::Membership>& groups) {
  auto& topics = shard_.topics();
  std::vector<TopicKey> wanted;
  for (const auto& group : groups) wanted.push_back(TopicKey::of(group.group));
  std::vector<TopicKey> unwanted;
  for (const auto& subscription : subscriptions_) {
    const auto& key = subscription.topic->key;
    if (key.kind == TopicKey::Kind::kGroup && std::find(wanted.begin(), wanted.end(), key) == wanted.end())
      unwanted.push_back(key);
  }
  for (const auto& key : unwanted) topics.unsubscribe(*this, key);
  for (const auto& group : groups) topics.subscribe(*this, TopicKey::of(group.group), group.joined_seq);
  const auto finished = std::move(resync_);
  for (const auto& changed : finished->membership_changes) membership_changed(changed);
  settle_session([](Session& session) { session.send_summary(); });
  if (std::exchange(resync_again_, false)) resync();
}

}  // namespace simpleim::gateway
