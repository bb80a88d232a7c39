#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "gateway/session.h"
#include "gateway/shard.h"
#include "protocol/frame_writer.h"

/// How a session is brought up to date: when it opens, and after an interruption.
namespace simpleim::gateway {
namespace {

using service::GroupId;

/// Times a sync looks again for what arrived while it ran; then the client is told to fetch.
constexpr int kMaxRounds = 20;
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

void Session::start_sync(AdmissionGate::Turn turn) {
  auto& context = shard_.context();
  sync_ = std::make_unique<SyncState>();
  sync_->turn = std::move(turn);
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

void Session::next_chunk() {
  auto& gate = *shard_.context().admission;
  sync_->reading = true;
  if (sync_->turn && !gate.is_contended()) return read_chunk();
  sync_->turn.reset();
  gate.reenter([&shard = shard_, id = origin_.connection](AdmissionGate::Turn turn) {
    shard.with_session(id, [turn = std::move(turn)](Session& session) mutable {
      session.sync_->turn = std::move(turn);
      session.read_chunk();
    });
  });
}

void Session::read_chunk() {
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
    if (socket_->unsent() == 0) return next_chunk();
    sync_->turn.reset();  // how long the client takes is up to him; on_drained() goes on
    return;
  }
  if ((!sync_->changed.empty() || is_behind()) && ++sync_->rounds < kMaxRounds) return next_chunk();
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
  if (sync_ && sync_->subscribed && !sync_->reading) next_chunk();
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

}  // namespace simpleim::gateway
