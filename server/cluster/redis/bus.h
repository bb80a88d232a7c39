#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "cluster/bus.h"
#include "cluster/redis/connection.h"

namespace simpleim::cluster::redis {

/// A bus of Redis channels, one a topic (PUBLISH, SUBSCRIBE; in a Redis Cluster SPUBLISH, SSUBSCRIBE). Nobody but its
/// own thread touches a socket, so no caller ever waits for Redis: what is asked for goes into a bounded queue, and is
/// pipelined with what came meanwhile.
///
/// Two connections, one to publish and one to hear, which live and die together: an error, or no answer within the
/// deadline, closes both. Then publishing drops. With the next connection everything is subscribed again, this node is
/// interrupted, and, when it had dropped something, so are the others, over a channel of their own that all hear.
class RedisBus final : public Bus {
 public:
  /// What waits to be published at most, in bytes (as much again may be on its way); the rest is dropped.
  static constexpr std::size_t kMaxQueue = 16 << 20;

  RedisBus(RedisOptions options, const base::Clock& clock, base::Random& random, base::BusMetrics metrics);
  /// Sends what is queued before, if that takes no longer than the deadline.
  ~RedisBus() override;

  void listen(Receive receive, Interrupted interrupted) override;
  void subscribe(std::string_view topic) override;
  void unsubscribe(std::string_view topic) override;
  void settle(std::function<void()> done) override;
  void publish(std::string_view topic, std::string_view payload) override;
  /// Who else is there cannot be known.
  bool alone() const override { return false; }
  std::string health() const override;

 private:
  struct Links;
  /// A channel to be subscribed or unsubscribed, or somebody who wants to know that those before are done.
  struct Request {
    enum class Kind : std::uint8_t { kSubscribe, kUnsubscribe, kSettle } kind;
    std::string channel;
    std::function<void()> done;
  };
  struct Publication {
    std::string channel;
    std::string payload;
  };

  struct Waiter {
    /// How many channels are to be confirmed before.
    std::uint64_t until;
    std::function<void()> done;
  };

  void run();
  void converse();
  void ping(Links& links);
  void take_requests(Links& links);
  void take_publications(Links& links);
  void hear(Links& links);
  void handle(Links& links, const redisReply& reply);
  void receive(std::string_view channel, std::string_view payload);
  void ask(Request::Kind kind, std::string_view topic);
  void lose(const std::string& why);
  void wake();
  void pause(std::int64_t ms);

  const RedisOptions options_;
  const struct Verbs {
    std::string_view publish;
    std::string_view subscribe;
    std::string_view unsubscribe;
    std::string_view message;
  } verbs_;
  const base::Clock& clock_;
  const base::BusMetrics metrics_;
  /// In front of every payload, so that a node knows its own.
  const std::string self_;
  const std::string control_channel_;
  const int wake_fd_;
  Receive receive_;
  Interrupted interrupted_;
  /// The bus's thread only.
  std::deque<Waiter> waiters_;
  std::deque<Publication> sending_;
  std::uint64_t connects_ = 0;

  mutable std::mutex mutex_;
  bool stopping_ = false;
  bool connected_ = false;
  bool woken_ = false;
  /// Something was dropped, or may have been, that others should have heard.
  bool dropped_ = false;
  std::string trouble_ = "not connected yet";
  std::map<std::string, int, std::less<>> topics_;
  std::deque<Request> requests_;
  std::deque<Publication> publications_;
  std::size_t queued_bytes_ = 0;
  std::thread thread_;
};

}  // namespace simpleim::cluster::redis
