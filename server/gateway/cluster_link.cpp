#include "gateway/cluster_link.h"

#include <pthread.h>

#include "base/log.h"
#include "service/events/changes.h"

namespace simpleim::gateway {
namespace {

constexpr std::int64_t kTickMs = 20;
/// How long the bus may be late before the store is asked, and how long a message waits for those before it.
constexpr std::int64_t kGapWaitMs = 30;
constexpr std::int64_t kGapGiveUpMs = 3000;
constexpr std::int64_t kLogEveryMs = 1000;
constexpr std::size_t kGapPage = 200;
/// Who joins on another node is brought so much of what was said since; the rest he fetches as he scrolls.
constexpr std::int64_t kJoinedMessages = 20;
/// How long a sign-in waits for the bus.
constexpr std::int64_t kSettleMs = 500;
constexpr std::int64_t kWatchEveryMs = 15'000;
/// A user who left one node may be on another: the directory knows a moment later.
constexpr std::int64_t kPresenceDelayMs = 500;
/// When the directory did not answer.
constexpr std::int64_t kPresenceAgainMs = 2000;
constexpr std::size_t kPresencePage = 500;
/// Of the bus; beside those of users, groups and presence.
constexpr std::string_view kMovedTopic = "moved";

}  // namespace

ClusterLink::ClusterLink(Ports ports)
    : ports_(std::move(ports)), feed_(ports_.threads, ports_.clock, [this](std::shared_ptr<const DeliveryBatch> batch) {
        sockets_->post(std::move(batch));
      }) {
  if (auto* log = ports_.store.commit_log()) log_.emplace(*log);
}

void ClusterLink::start(LocalSockets& sockets) {
  sockets_ = &sockets;
  ports_.bus.listen([this](std::string_view topic, std::string_view payload) { receive(topic, payload); },
                    [this] {
                      base::log::warn("the bus was interrupted; clients are told to look again");
                      sockets_->resync();
                    });
  if (ports_.hears_moved) ports_.bus.subscribe(kMovedTopic);
  thread_ = std::thread([this] { run(); });
}

void ClusterLink::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// ---------------------------------------------------------------- out and in

void ClusterLink::deliver(std::shared_ptr<DeliveryBatch> batch, const std::vector<service::SessionEnded>& ended) {
  const auto publications = publications_of(*batch, ended);
  feed_.pass(std::move(batch));
  for (const auto& p : publications) ports_.bus.publish(bus_topic(p.topic), p.payload);
}

void ClusterLink::receive(std::string_view name, std::string_view payload) {
  if (name == kMovedTopic) return ports_.moved(parse_moved(payload));
  const auto topic = parse_bus_topic(name);
  if (!topic) return;
  if (topic->kind == TopicKey::Kind::kPresence) {
    return note_presence(UserId{topic->id}, payload == "1");
  }
  auto received = parse_publication(*topic, payload, ports_.threads);
  if (!received) return base::log::warn("a message of another node makes no sense", {{"topic", std::string(name)}});
  for (const auto& session : received->ended) sockets_->end_session(session.user, session.session);
  for (const auto& connected : received->connected) sockets_->replace(connected);
  feed_.pass(std::move(received->batch));
}

void ClusterLink::tell_moved(const std::vector<service::ConversationId>& conversations) {
  ports_.bus.publish(kMovedTopic, moved_payload(conversations));
}

void ClusterLink::connected(const Connected& connected) {
  const auto publication = publication_of(connected);
  ports_.bus.publish(bus_topic(publication.topic), publication.payload);
}

void ClusterLink::open(const TopicKey& topic) {
  if (!feed_.open(topic)) return;
  ports_.bus.subscribe(bus_topic(topic));
  if (topic.kind != TopicKey::Kind::kPresence) return;
  const std::lock_guard lock(mutex_);
  watched_[UserId{topic.id}] = -1;
}

void ClusterLink::close(const TopicKey& topic) {
  if (!feed_.close(topic)) return;
  ports_.bus.unsubscribe(bus_topic(topic));
  if (topic.kind != TopicKey::Kind::kPresence) return;
  const std::lock_guard lock(mutex_);
  // Another thread's first session may have come meanwhile.
  if (!feed_.is_open(topic)) watched_.erase(UserId{topic.id});
}

void ClusterLink::settle(std::function<void()> done) {
  if (!ports_.bus.health().empty()) return done();
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = next_settling_++;
    settling_.emplace(number, Settling{ports_.clock.steady_ms() + kSettleMs, std::move(done)});
  }
  ports_.bus.settle([this, number] {
    std::function<void()> ready;
    {
      const std::lock_guard lock(mutex_);
      const auto found = settling_.find(number);
      if (found == settling_.end()) return;
      ready = std::move(found->second.done);
      settling_.erase(found);
    }
    ready();
  });
}

void ClusterLink::joined(UserId user, service::GroupId group) {
  settle([this, user, group] {
    // A full pool leaves it to the log.
    (void)ports_.workers.submit([this, user, group] {
      try {
        fetch_joined(user, group);
      } catch (const store::StoreError&) {
        // The log tells of the messages once the store answers again.
      }
    });
  });
}

void ClusterLink::fetch_joined(UserId user, service::GroupId group) {
  const auto member = ports_.store.groups().member(group, user);
  if (!member) return;
  const auto conversation = service::ConversationId::of(group);
  const auto last = ports_.store.messages().tail(conversation).last_seq;
  const auto first = std::max(member->joined_seq, last - kJoinedMessages + 1);
  if (const auto gap = feed_.missing(conversation, first, last)) fetch(*gap);
}

void ClusterLink::settle_overdue() {
  std::vector<std::function<void()>> overdue;
  {
    const std::lock_guard lock(mutex_);
    const auto now = ports_.clock.steady_ms();
    while (!settling_.empty() && settling_.begin()->second.due_ms <= now) {
      overdue.push_back(std::move(settling_.begin()->second.done));
      settling_.erase(settling_.begin());
    }
  }
  for (const auto& done : overdue) done();
}

// ---------------------------------------------------------------- what the bus did not bring

void ClusterLink::run() {
  pthread_setname_np(pthread_self(), "cluster");
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::milliseconds(kTickMs), [this] { return stopping_; })) {
    lock.unlock();
    try {
      turn();
    } catch (const std::exception& e) {
      base::log::error("the cluster link failed and goes on", {{"what", e.what()}});
    }
    lock.lock();
  }
}

void ClusterLink::turn() {
  settle_overdue();
  fetch_gaps();
  const auto now = ports_.clock.steady_ms();
  if (log_ && now >= next_log_ms_) {
    next_log_ms_ = now + kLogEveryMs;
    try {
      log_->read(now, [this](const store::LoggedCommit& commit) { apply(commit); });
    } catch (const store::StoreError&) {
      // The store says by itself that it is away; this looks again in a second.
    }
  }
  watch_presence();
}

void ClusterLink::fetch_gaps() {
  if (!feed_.has_gaps()) return;
  for (const auto& gap : feed_.gaps(ports_.clock.steady_ms(), kGapWaitMs, kGapGiveUpMs)) {
    try {
      fetch(gap);
    } catch (const store::StoreError&) {
      // The gap stays open, and is tried again at the next tick until it is given up.
    }
  }
}

void ClusterLink::fetch(const Feed::Gap& gap) {
  auto page = ports_.store.messages().history({gap.conversation, 1, 0, gap.after, kGapPage});
  if (page.messages.empty()) return;
  std::vector<service::Event> events;
  for (auto& message : page.messages) events.emplace_back(service::MessageStored{std::move(message), {}});
  feed_.pass(make_delivery_batch(std::move(events), ports_.threads, ports_.clock.now_ms()));
}

void ClusterLink::apply(const store::LoggedCommit& commit) {
  const auto changes = service::decode_changes(commit.changes);
  for (const auto& session : changes.ended) sockets_->end_session(session.user, session.session);
  for (const auto& changed : changes.memberships)
    if (feed_.is_open(TopicKey::of(changed.user))) sockets_->resync(changed.user, changed.group, changed.member);
  if (commit.node != ports_.node && !changes.messages.empty()) {
    std::vector<service::ConversationId> moved;
    for (const auto& stretch : changes.messages) moved.push_back(stretch.conversation);
    ports_.moved(moved);
  }
  for (const auto& stretch : changes.messages)
    if (const auto gap = feed_.missing(stretch.conversation, stretch.first_seq, stretch.last_seq)) fetch(*gap);
}

// ---------------------------------------------------------------- presence

void ClusterLink::presence_changed(UserId user, bool online) {
  ports_.bus.publish(bus_topic(TopicKey::presence_of(user)), online ? "1" : "0");
  note_presence(user, online);
}

void ClusterLink::note_presence(UserId user, bool online) {
  {
    const std::lock_guard lock(mutex_);
    const auto watched = watched_.find(user);
    if (watched == watched_.end() || watched->second == (online ? 1 : 0)) return;
    if (!online) look_up_at_[user] = ports_.clock.steady_ms() + kPresenceDelayMs;
    else watched->second = 1;
  }
  if (online) sockets_->show_presence(user, true);
}

void ClusterLink::presence_shown(UserId user, bool online) {
  const std::lock_guard lock(mutex_);
  if (const auto watched = watched_.find(user); watched != watched_.end()) watched->second = online ? 1 : 0;
}

void ClusterLink::watch_presence() {
  const auto now = ports_.clock.steady_ms();
  std::vector<UserId> users;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(look_up_at_, [&](const auto& entry) {
      if (entry.second > now) return false;
      users.push_back(entry.first);
      return true;
    });
    if (now >= next_watch_ms_) {
      next_watch_ms_ = now + kWatchEveryMs;
      for (const auto& [user, shown] : watched_) users.push_back(user);
    }
  }
  for (std::size_t i = 0; i < users.size(); i += kPresencePage) {
    const auto end = std::min(users.size(), i + kPresencePage);
    look_up_presence(
        {users.begin() + static_cast<std::ptrdiff_t>(i), users.begin() + static_cast<std::ptrdiff_t>(end)});
  }
}

void ClusterLink::look_up_presence(std::vector<UserId> users) {
  const auto accepted = ports_.workers.submit([this, users = std::move(users)] {
    for (const auto& [user, online, known] : ports_.presence.lookup(users)) {
      {
        const std::lock_guard lock(mutex_);
        if (!known) {
          look_up_at_[user] = ports_.clock.steady_ms() + kPresenceAgainMs;
          continue;
        }
        const auto watched = watched_.find(user);
        if (watched == watched_.end() || watched->second == (online ? 1 : 0)) continue;
        watched->second = online ? 1 : 0;
      }
      sockets_->show_presence(user, online);
    }
  });
  (void)accepted;  // a full pool: the next round looks
}

}  // namespace simpleim::gateway
