#pragma once

#include <sys/types.h>

#include <string>

#include "cluster/redis/connection.h"
#include "support.h"

namespace simpleim::test {

/// A real redis-server with a free port and a folder of its own, ended with the object.
class RedisServer {
 public:
  RedisServer();
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// The one all contract tests share; they differ by prefix.
  static RedisServer& shared();
  /// Options with a prefix that nobody has had.
  cluster::redis::RedisOptions options() const;
  /// Signals and waits until it is gone.
  void kill();
  /// After kill(): on the same port, empty.
  void start();
  void freeze();
  void thaw();
  /// Runs a command over a connection of its own.
  void command(const std::vector<std::string_view>& command) const;

 private:
  bool answers() const;

  TempDir dir_;
  int port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace simpleim::test
