#include "cluster/redis/bus.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"

namespace simpleim::cluster::redis {
namespace {

constexpr std::size_t kSelfBytes = 8;
/// Commands are not appended beyond that: hiredis would keep them all.
constexpr std::size_t kMaxUnsent = 1 << 20;
constexpr std::size_t kChannelsPerCommand = 256;
constexpr std::int64_t kFirstPauseMs = 50;
constexpr std::int64_t kLongestPauseMs = 1000;

}  // namespace

/// The two connections, and what is expected of them; the bus's thread only.
struct RedisBus::Links {
  Links(const RedisOptions& options, std::int64_t now)
      : publisher(options), subscriber(options), publisher_heard(now), subscriber_heard(now), pinged(now) {
    publisher.unblock();
    subscriber.unblock();
  }

  Connection publisher;
  Connection subscriber;
  /// Publications and pings that are not answered yet.
  std::size_t unanswered = 0;
  std::int64_t publisher_heard;
  std::int64_t subscriber_heard;
  std::int64_t pinged;
  bool awaits_pong = false;
  /// Channels asked for and channels confirmed, in the same order.
  std::uint64_t asked = 0;
  std::uint64_t confirmed = 0;

  void expect_answer(std::int64_t now) {
    if (unanswered++ == 0) publisher_heard = now;
  }
};

RedisBus::RedisBus(RedisOptions options, const base::Clock& clock, base::Random& random, base::BusMetrics metrics)
    : options_(std::move(options)),
      verbs_(options_.kind == RedisOptions::Kind::kCluster ? Verbs{"SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE", "smessage"}
                                                           : Verbs{"PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "message"}),
      clock_(clock),
      metrics_(metrics),
      self_(random.hex(kSelfBytes)),
      control_channel_(options_.prefix + "interrupted"),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd_ < 0) throw RedisError("the bus has no descriptor to be woken by");
}

RedisBus::~RedisBus() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake();
  }
  if (thread_.joinable()) thread_.join();
  ::close(wake_fd_);
}

void RedisBus::listen(Receive receive, Interrupted interrupted) {
  receive_ = std::move(receive);
  interrupted_ = std::move(interrupted);
  thread_ = std::thread([this] { run(); });
}

void RedisBus::subscribe(std::string_view topic) {
  const std::lock_guard lock(mutex_);
  if (++topics_[std::string(topic)] > 1) return;
  ask(Request::Kind::kSubscribe, topic);
}

void RedisBus::unsubscribe(std::string_view topic) {
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(topic);
  if (found == topics_.end() || --found->second > 0) return;
  topics_.erase(found);
  ask(Request::Kind::kUnsubscribe, topic);
}

/// With the mutex held. Without a connection it is enough that `topics_` knows: the next one asks for all of them, and
/// nothing grows however long Redis is away.
void RedisBus::ask(Request::Kind kind, std::string_view topic) {
  if (!connected_) return;
  requests_.push_back({kind, options_.prefix + "topic:" + std::string(topic), {}});
  wake();
}

void RedisBus::settle(std::function<void()> done) {
  const std::lock_guard lock(mutex_);
  requests_.push_back({Request::Kind::kSettle, "", std::move(done)});
  wake();
}

void RedisBus::publish(std::string_view topic, std::string_view payload) {
  const std::lock_guard lock(mutex_);
  if (!connected_ || queued_bytes_ + payload.size() > kMaxQueue) {
    metrics_.dropped->Increment();
    dropped_ = true;
    return;
  }
  queued_bytes_ += payload.size();
  publications_.push_back({options_.prefix + "topic:" + std::string(topic), self_ + std::string(payload)});
  wake();
}

std::string RedisBus::health() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

/// With the mutex held.
void RedisBus::wake() {
  if (std::exchange(woken_, true)) return;
  const std::uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);
}

void RedisBus::run() {
  pthread_setname_np(pthread_self(), "bus");
  auto next_pause = kFirstPauseMs;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const auto connects = connects_;
    try {
      converse();
      return;
    } catch (const std::exception& error) {
      lose(error.what());
    }
    next_pause = connects_ != connects ? kFirstPauseMs : std::min(next_pause * 2, kLongestPauseMs);
    pause(next_pause);
  }
}

void RedisBus::lose(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (trouble_ != why) base::log::warn("the bus is interrupted", {{"why", why}});
  trouble_ = why;
  if (!connected_) return;
  connected_ = false;
  // What was on its way may have arrived or not.
  dropped_ = true;
  metrics_.connected->Decrement();
  metrics_.dropped->Increment(static_cast<double>(publications_.size() + sending_.size()));
  publications_.clear();
  sending_.clear();
  queued_bytes_ = 0;
}

void RedisBus::pause(std::int64_t ms) {
  const auto end = clock_.steady_ms() + ms;
  for (auto left = ms; left > 0; left = end - clock_.steady_ms()) {
    pollfd woken{wake_fd_, POLLIN, 0};
    ::poll(&woken, 1, static_cast<int>(left));
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    // Whoever asks for something meanwhile must not make this a busy loop.
    std::uint64_t count = 0;
    (void)!::read(wake_fd_, &count, sizeof count);
    woken_ = false;
  }
}

/// From one connect until the bus stops; throws when the connections are lost.
void RedisBus::converse() {
  Links links(options_, clock_.steady_ms());
  {
    const std::lock_guard lock(mutex_);
    // All topics again, before whatever was asked for since; a settle waits for all of it.
    std::deque<Request> again{{Request::Kind::kSubscribe, control_channel_, {}}};
    for (const auto& [topic, count] : topics_)
      again.push_back({Request::Kind::kSubscribe, options_.prefix + "topic:" + topic, {}});
    for (auto& waiter : waiters_) again.push_back({Request::Kind::kSettle, "", std::move(waiter.done)});
    waiters_.clear();
    for (auto& request : requests_)
      if (request.kind == Request::Kind::kSettle) again.push_back(std::move(request));
    requests_ = std::move(again);
    const bool first = connects_++ == 0;
    requests_.push_back({Request::Kind::kSettle, "", [this, first] {
                           if (!first && interrupted_) interrupted_();
                         }});
    connected_ = true;
    metrics_.connects->Increment();
    metrics_.connected->Increment();
    trouble_.clear();
    base::log::info("the bus is connected", {{"redis", links.publisher.name()}});
  }
  for (std::int64_t stop_at = 0;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ && stop_at == 0) stop_at = clock_.steady_ms() + options_.deadline_ms;
      woken_ = false;
    }
    take_requests(links);
    take_publications(links);
    // What was published before the end goes out, or the deadline passes.
    const bool told = sending_.empty() && links.unanswered == 0;
    if (stop_at != 0 && (told || clock_.steady_ms() >= stop_at)) return;
    if (stop_at == 0) ping(links);
    hear(links);
  }
}

void RedisBus::ping(Links& links) {
  const auto now = clock_.steady_ms();
  if (links.awaits_pong || now - links.pinged < options_.deadline_ms / 2) return;
  links.publisher.append({"PING"});
  links.expect_answer(now);
  links.subscriber.append({"PING"});
  links.subscriber_heard = links.pinged = now;
  links.awaits_pong = true;
}

void RedisBus::take_requests(Links& links) {
  std::unique_lock lock(mutex_);
  while (!requests_.empty() && links.subscriber.unsent() < kMaxUnsent) {
    if (requests_.front().kind == Request::Kind::kSettle) {
      waiters_.push_back({links.asked, std::move(requests_.front().done)});
      requests_.pop_front();
      continue;
    }
    const auto kind = requests_.front().kind;
    std::vector<std::string> channels;
    while (!requests_.empty() && requests_.front().kind == kind && channels.size() < kChannelsPerCommand) {
      channels.push_back(std::move(requests_.front().channel));
      requests_.pop_front();
    }
    std::vector<std::string_view> command{kind == Request::Kind::kSubscribe ? verbs_.subscribe : verbs_.unsubscribe};
    command.insert(command.end(), channels.begin(), channels.end());
    links.subscriber.append(command);
    links.asked += channels.size();
  }
  lock.unlock();
  while (!waiters_.empty() && waiters_.front().until <= links.confirmed) {
    const auto done = std::move(waiters_.front().done);
    waiters_.pop_front();
    done();
  }
}

void RedisBus::take_publications(Links& links) {
  bool gap = false;
  if (sending_.empty()) {
    const std::lock_guard lock(mutex_);
    sending_.swap(publications_);
    queued_bytes_ = 0;
    gap = std::exchange(dropped_, false);
  }
  const auto publish = [&](std::string_view channel, std::string_view payload) {
    links.publisher.append({verbs_.publish, channel, payload});
    links.expect_answer(clock_.steady_ms());
  };
  if (gap) publish(control_channel_, self_);
  while (!sending_.empty() && links.publisher.unsent() < kMaxUnsent) {
    publish(sending_.front().channel, sending_.front().payload);
    metrics_.published->Increment();
    sending_.pop_front();
  }
}

void RedisBus::hear(Links& links) {
  const bool publishing = !links.publisher.send();
  const bool subscribing = !links.subscriber.send();
  std::array<pollfd, 3> fds{
      pollfd{wake_fd_, POLLIN, 0},
      pollfd{links.publisher.descriptor(), static_cast<short>(POLLIN | (publishing ? POLLOUT : 0)), 0},
      pollfd{links.subscriber.descriptor(), static_cast<short>(POLLIN | (subscribing ? POLLOUT : 0)), 0}};
  ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(1, options_.deadline_ms / 4)));
  if (fds[0].revents != 0) {
    std::uint64_t count = 0;
    (void)!::read(wake_fd_, &count, sizeof count);
  }
  const auto now = clock_.steady_ms();
  if ((fds[1].revents & ~POLLOUT) != 0) {
    links.publisher.receive();
    while (const auto reply = links.publisher.next()) {
      if (reply->type == REDIS_REPLY_ERROR) throw RedisError(std::string(text_of(*reply)));
      --links.unanswered;
      links.publisher_heard = now;
    }
  }
  if ((fds[2].revents & ~POLLOUT) != 0) {
    links.subscriber.receive();
    links.subscriber_heard = now;
    while (const auto reply = links.subscriber.next()) handle(links, *reply);
  }
  const auto silent = now - options_.deadline_ms;
  if ((links.unanswered > 0 && links.publisher_heard < silent) ||
      (links.awaits_pong && links.subscriber_heard < silent))
    throw RedisError(links.publisher.name() + ": no answer in time");
}

void RedisBus::handle(Links& links, const redisReply& reply) {
  if (reply.type == REDIS_REPLY_ERROR) throw RedisError(std::string(text_of(reply)));
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements == 0) return;
  const auto kind = text_of(*reply.element[0]);
  if (kind == verbs_.message && reply.elements == 3) receive(text_of(*reply.element[1]), text_of(*reply.element[2]));
  else if (kind == "pong") links.awaits_pong = false;
  else if (links.confirmed == links.asked) throw RedisError("Redis moved the channels to another master");
  else ++links.confirmed;
}

void RedisBus::receive(std::string_view channel, std::string_view payload) {
  // Its own, or of somebody who is no node.
  if (payload.size() < self_.size() || payload.starts_with(self_)) return;
  if (channel == control_channel_) {
    if (interrupted_) interrupted_();
    return;
  }
  const auto topic = channel.substr(options_.prefix.size() + std::string_view("topic:").size());
  {
    const std::lock_guard lock(mutex_);
    if (topics_.find(topic) == topics_.end()) return;
  }
  metrics_.received->Increment();
  receive_(topic, payload.substr(self_.size()));
}

}  // namespace simpleim::cluster::redis
