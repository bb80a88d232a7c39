#pragma once

#include <hiredis/hiredis.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/service_url.h"

namespace simpleim::cluster::redis {

struct RedisOptions {
  /// Who knows where commands go: the server itself; Sentinels, which know the master of a name; or nodes of a Redis
  /// Cluster, which know the master of a key.
  enum class Kind : std::uint8_t { kServer, kSentinel, kCluster } kind = Kind::kServer;
  /// Of the server, of Sentinels, of nodes.
  std::vector<base::Address> addresses{{"127.0.0.1", 6379}};
  /// The Sentinels' name for the master.
  std::string master;
  /// An ACL user; "" is the default user.
  std::string user;
  std::string password;
  /// In front of every key and channel, so that clusters can share a Redis. Of a Redis Cluster one with a hash tag, so
  /// that all of it is on one master; channels are sharded ones there.
  std::string prefix;
  /// What no call waits longer for, connecting included.
  std::int64_t deadline_ms = 0;
};

/// Redis cannot be reached, did not answer in time, closed the connection, or refused a command.
struct RedisError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

/// The text of a string, a status or an error; holds as long as the reply.
inline std::string_view text_of(const redisReply& reply) { return {reply.str, reply.len}; }

/// One connection; commands are pipelined: appended, sent together, answered in order. One thread at a time.
/// After any RedisError it is of no more use.
class Connection {
 public:
  /// Finds the server (locate()), connects and signs in within the deadline, else RedisError.
  explicit Connection(const RedisOptions& options);
  Connection(const RedisOptions& options, const base::Address& address, std::int64_t deadline_ms);

  const std::string& name() const { return name_; }
  /// What an answer() may take from now on.
  void set_deadline(std::int64_t ms);

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
  Connection(const struct Location& found, const RedisOptions& options);
  [[noreturn]] void fail(const std::string& doing) const;

  const std::string name_;
  std::unique_ptr<redisContext, Free> context_;
};

}  // namespace simpleim::cluster::redis
