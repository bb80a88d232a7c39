#pragma once

#include <string>

#include "cluster/redis/connection.h"
#include "servers/server_process.h"
#include "support.h"

namespace simpleim::test {

/// A real redis-server with a free port and a folder of its own, ended with the object.
class RedisServer {
 public:
  RedisServer();

  /// The one all contract tests share; they differ by prefix.
  static RedisServer& shared();
  /// Options with a prefix that nobody has had.
  cluster::redis::RedisOptions options() const;
  void kill() { process_.kill(); }
  /// After kill(): on the same port, empty.
  void start();
  void freeze() { process_.freeze(); }
  void thaw() { process_.thaw(); }
  /// Runs a command over a connection of its own.
  void command(const std::vector<std::string_view>& command) const;

 private:
  bool answers() const;

  TempDir dir_;
  int port_ = 0;
  ServerProcess process_;
};

}  // namespace simpleim::test
