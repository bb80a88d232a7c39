#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cluster/redis/connection.h"
#include "servers/server_process.h"
#include "support.h"

namespace simpleim::test {

/// A real redis-server with a free port and a folder of its own, ended with the object.
class RedisServer {
 public:
  /// `arguments`: for redis-server, behind its own.
  explicit RedisServer(std::vector<std::string> arguments = {});

  int port() const { return port_; }
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
  cluster::redis::Reply command(const std::vector<std::string_view>& command) const;

 private:
  bool answers() const;

  const std::vector<std::string> arguments_;
  TempDir dir_;
  int port_ = 0;
  ServerProcess process_;
};

/// A master, its replica, and a Sentinel that makes the replica the master half a second after that one has died.
class RedisFailover {
 public:
  RedisFailover();
  cluster::redis::RedisOptions options() const;
  RedisServer& master() { return *servers_[0]; }

 private:
  std::vector<std::unique_ptr<RedisServer>> servers_;
  TempDir dir_;
  int port_;
  ServerProcess sentinel_;
};

/// Three masters of a real Redis Cluster.
class RedisCluster {
 public:
  RedisCluster();
  static RedisCluster& shared();
  /// As RedisServer::options().
  cluster::redis::RedisOptions options() const;
  /// Gives all slots of a master to the next one.
  void move_slots(std::size_t from);

 private:
  std::vector<std::unique_ptr<RedisServer>> masters_;
  /// On which they speak with each other.
  std::vector<int> bus_ports_;
};

}  // namespace simpleim::test
