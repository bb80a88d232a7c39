#include "servers/redis_server.h"

#include <stdexcept>

namespace simpleim::test {
RedisServer::RedisServer() : port_(free_port()) { start(); }

RedisServer& RedisServer::shared() {
  static RedisServer server;
  return server;
}

cluster::redis::RedisOptions RedisServer::options() const {
  static std::atomic<int> counter{0};
  cluster::redis::RedisOptions options;
  options.port = port_;
  options.prefix = "test" + std::to_string(++counter) + ":";
  return options;
}

bool RedisServer::answers() const {
  try {
    command({"PING"});
    return true;
  } catch (const cluster::redis::RedisError&) {
    return false;
  }
}

void RedisServer::command(const std::vector<std::string_view>& command) const {
  cluster::redis::RedisOptions options;
  options.port = port_;
  cluster::redis::Connection connection(options);
  connection.append(command);
  connection.answer();
}

void RedisServer::start() {
  process_.start({"redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir", dir_.file(""),
                  "--save", "", "--appendonly", "no"},
                 dir_.file("log"));
  if (!wait_until([this] { return answers(); }))
    throw std::runtime_error("redis-server does not answer (Debian: redis-server)");
}

}  // namespace simpleim::test
