#pragma once

#include <hiredis/hiredis.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace simpleim::cluster::redis {

struct RedisOptions {
  std::string host = "127.0.0.1";
  int port = 6379;
  /// An ACL user; "" is the default user.
  std::string user;
  std::string password;
  /// In front of every key and channel, so that clusters can share a Redis.
  std::string prefix = "simpleim:";
  /// What no call waits longer for, connecting included.
  std::int64_t deadline_ms = 1000;
};

/// Redis cannot be reached, did not answer in time, closed the connection, or refused a command.
struct RedisError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

/// One connection; commands are pipelined: appended, sent together, answered in order. One thread at a time.
/// After any RedisError it is of no more use.
class Connection {
 public:
  /// Connects and signs in within the deadline, else RedisError.
  explicit Connection(const RedisOptions& options);

  void append(const std::vector<std::string_view>& command);

  /// Blocking use: sends what is appended and waits for the next answer, an error answer is thrown.
  Reply answer();

  /// Use with poll(2), after unblock(): send() and receive() do what is possible now.
  void unblock();
  int descriptor() const { return context_->fd; }
  /// True when everything is sent.
  bool send();
  /// Reads what has come in.
  void receive();
  /// The next answer that came in whole, or null.
  Reply next();
  /// Bytes that are appended and not sent yet.
  std::size_t unsent() const;

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  [[noreturn]] void fail(const std::string& doing) const;

  const std::string name_;
  std::unique_ptr<redisContext, Free> context_;
};

}  // namespace simpleim::cluster::redis
