#include "gateway/shard.h"

#include "protocol/frame_writer.h"

namespace simpleim::gateway {

Shard::Shard(net::IoThread& thread, GatewayContext& context)
    : thread_(thread),
      context_(context),
      parser_(context.frame_limits),
      topics_(context.link),
      next_connection_((std::uint64_t{thread.index()} + 1) << 48) {}

Shard::~Shard() = default;

Session* Shard::find(std::uint64_t connection) const {
  const auto found = sessions_.find(connection);
  return found == sessions_.end() ? nullptr : found->second;
}

void Shard::open(const std::shared_ptr<net::WebSocket>& socket, SessionInfo info, std::string_view received,
                 AdmissionGate::Turn turn) {
  const Origin origin{static_cast<std::uint32_t>(thread_.index()), next_connection_++};
  const auto user = info.user;
  auto session = std::make_unique<Session>(*this, socket, origin, std::move(info));
  auto& opened = *session;
  sessions_.emplace(origin.connection, &opened);
  const auto opened_ms = now_ms();
  auto added = context_.directory.add(user, {origin, opened.info().device_id, opened.info().session, opened_ms},
                                      opened.info().hides_online);
  opened.set_user(std::move(added.user));
  topics_.subscribe(opened, TopicKey::of(user));
  for (const auto& old : added.replaced) context_.announce_replaced(old);
  if (context_.link != nullptr) context_.link->connected({user, opened.info().device_id, opened_ms});
  context_.metrics.connections.Increment();
  context_.metrics.connections_total.Increment();
  opened.start_sync(std::move(turn));
  socket->start(std::move(session), received);
}

void Shard::remove(Session& session) {
  topics_.unsubscribe_all(session);
  sessions_.erase(session.origin().connection);
  context_.metrics.connections.Decrement();
  context_.directory.remove(session.info().user, session.origin());
}

void Shard::submit_sends() {
  if (sends_.empty()) return;
  if (!context_.commits->send(std::move(sends_))) {
    const protocol::Error busy{protocol::ErrorCode::kUnavailable,
                               "the server cannot store messages fast enough; try again", "", 1000};
    for (auto& send : sends_)
      if (auto* session = find(send.origin.connection))
        session->answer(service::MessageRefused{send.origin, send.from, send.frame.message_id, busy});
  }
  sends_.clear();
}

void Shard::post(std::shared_ptr<const DeliveryBatch> batch) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(batch));
    if (posted_.size() > 1) return;
  }
  thread_.post([this] { deliver_posted(); });
}

void Shard::deliver_posted() {
  if (!delivering_.empty()) end_pass();  // of a pass that threw
  {
    const std::lock_guard lock(posted_mutex_);
    delivering_.swap(posted_);
  }
  delivered_ = 0;
  for (const auto& batch : delivering_) deliver(*batch);
  thread_.flush_dirty();
  if (delivered_ > 0) {
    context_.metrics.deliveries.Increment(static_cast<double>(delivered_));
    const auto now = context_.clock.steady_ms();
    for (const auto& batch : delivering_)
      if (batch->oldest_ms != 0)
        context_.metrics.delivery_seconds.Observe(static_cast<double>(now - batch->oldest_ms) / 1e3);
  }
  end_pass();
}

void Shard::end_pass() {
  thread_.flush_dirty();
  shared_.clear();
  delivering_.clear();
}

void Shard::deliver(const DeliveryBatch& batch) {
  for (std::size_t i = 0; i < batch.steps.size(); ++i) {
    const auto& step = batch.steps[i];
    StepFrames frames(shared_, batch, i, forms_);
    if (const auto* run = std::get_if<Run>(&step)) {
      deliver_run(*run, batch, frames);
    } else if (const auto* notice = std::get_if<Notice>(&step)) {
      deliver_notice(*notice, frames);
    } else if (const auto* changed = std::get_if<service::PresenceHidden>(&step)) {
      context_.directory.set_hidden(changed->user, changed->hidden);  // every thread does; the first one is heard
    } else {
      apply_membership(std::get<service::MembershipChanged>(step));
    }
  }
  for (const auto& answer : batch.answers[thread_.index()]) {
    const auto connection = std::visit([](const auto& a) { return a.origin.connection; }, answer);
    if (auto* session = find(connection)) session->answer(answer);
  }
}

std::string_view Shard::as_protobuf(std::string_view json) {
  binary_.clear();
  forms_.protobuf.encode(binary_, json);
  return binary_;
}

void Shard::deliver_run(const Run& run, const DeliveryBatch& batch, StepFrames& frames) {
  if (run.conversation.is_group()) {
    auto* topic = topics_.find(TopicKey::of(run.conversation.group()));
    delivered_ += deliver_to_topic(topic, run, batch, frames);
    if (topic != nullptr) topic->last_seq = batch.messages[run.first + run.count - 1].seq;
    return;
  }
  delivered_ += deliver_to_topic(topics_.find(TopicKey::of(service::UserId{run.conversation.low})), run, batch, frames);
  if (run.conversation.low != run.conversation.high)
    delivered_ +=
        deliver_to_topic(topics_.find(TopicKey::of(service::UserId{run.conversation.high})), run, batch, frames);
}

std::size_t Shard::deliver_to_topic(Topic* topic, const Run& run, const DeliveryBatch& batch, StepFrames& frames) {
  if (topic == nullptr) return 0;
  const auto number = ++run_counter_;
  for (std::uint32_t i = run.first; i < run.first + run.count; ++i) {
    const auto& origin = batch.messages[i].origin;
    if (origin.connection == 0 || origin.thread != thread_.index()) continue;
    if (auto* sender = find(origin.connection)) sender->mark_origin(number);
  }
  for (auto* session : topic->sessions) session->deliver(run, batch, frames, session->is_origin_of(number));
  return topic->sessions.size() * run.count;
}

void Shard::deliver_notice(const Notice& notice, StepFrames& frames) {
  auto* topic = topics_.find(notice.topic);
  if (topic == nullptr) return;
  for (auto* session : topic->sessions)
    if (session->origin().connection != notice.except.connection) session->deliver(frames);
}

void Shard::apply_membership(const service::MembershipChanged& changed) {
  auto* topic = topics_.find(TopicKey::of(changed.user));
  if (topic == nullptr) return;
  for (auto* session : topic->sessions) session->membership_changed(changed);
}

void Shard::announce_presence(service::UserId user, bool online) {
  auto* topic = topics_.find(TopicKey::presence_of(user));
  if (topic == nullptr) return;
  for (auto* session : topic->sessions) {
    auto& text = scratch_text();
    protocol::write_presence(text, session->info().user, user, online, now_ms(), now_ms());
    session->send(text);
  }
}

void Shard::close(std::uint64_t connection, net::CloseCode code, std::string_view reason) {
  if (auto* session = find(connection)) session->socket().close(code, reason);
  thread_.flush_dirty();
}

void Shard::later(std::uint64_t connection, std::int64_t ms, std::function<void(Session&)> f) {
  auto timer = std::make_shared<boost::asio::steady_timer>(thread_.context(), std::chrono::milliseconds(ms));
  timer->async_wait([this, timer, connection, f = std::move(f)](const boost::system::error_code&) {
    if (auto* session = find(connection)) f(*session);
    thread_.flush_dirty();
  });
}

/// A moment of the next `over_ms` milliseconds.
std::int64_t Shard::some_time(std::int64_t over_ms) {
  return over_ms <= 0 ? 0 : static_cast<std::int64_t>(context_.random.next() % static_cast<std::uint64_t>(over_ms));
}

void Shard::drain(std::int64_t over_ms) {
  constexpr std::int64_t kSpreadMs = 5000;
  for (const auto& [connection, session] : sessions_)
    later(connection, some_time(over_ms), [this](Session& leaving) { leaving.drain(some_time(kSpreadMs) + 1); });
}

void Shard::resync() {
  // About a thousand a second: each reads the store a few times.
  const auto over_ms = std::min<std::int64_t>(static_cast<std::int64_t>(sessions_.size()), 10'000);
  for (const auto& [connection, session] : sessions_)
    later(connection, some_time(over_ms), [](Session& one) { one.resync(); });
}

void Shard::resync(service::UserId user, service::GroupId group, bool member) {
  const auto* topic = topics_.find(TopicKey::of(user));
  if (topic == nullptr) return;
  for (auto* session : topic->sessions)
    if (session->hears(group) != member) session->resync();
}

}  // namespace simpleim::gateway
