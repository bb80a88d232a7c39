#include "servers/redis_server.h"

#include <fstream>
#include <stdexcept>

namespace simpleim::test {
RedisServer::RedisServer(std::vector<std::string> arguments) : arguments_(std::move(arguments)), port_(free_port()) {
  start();
}

RedisServer& RedisServer::shared() {
  static RedisServer server;
  return server;
}

cluster::redis::RedisOptions RedisServer::options() const {
  static std::atomic<int> counter{0};
  cluster::redis::RedisOptions options;
  options.addresses = {{"127.0.0.1", port_}};
  options.deadline_ms = 1000;
  options.prefix = "test" + std::to_string(++counter) + ":";
  return options;
}

bool RedisServer::answers() const {
  try {
    (void)command({"PING"});
    return true;
  } catch (const cluster::redis::RedisError&) {
    return false;
  }
}

cluster::redis::Reply RedisServer::command(const std::vector<std::string_view>& command) const {
  cluster::redis::RedisOptions options;
  options.addresses = {{"127.0.0.1", port_}};
  options.deadline_ms = 1000;
  cluster::redis::Connection connection(options);
  connection.append(command);
  return connection.answer();
}

void RedisServer::start() {
  std::vector<std::string> words{
      "redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir", dir_.file(""),
      "--save",       "",       "--appendonly",        "no"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  process_.start(words, dir_.file("log"));
  if (!wait_until([this] { return answers(); }))
    throw std::runtime_error("redis-server does not answer (Debian: redis-server)");
}

RedisFailover::RedisFailover() : port_(free_port()) {
  servers_.push_back(std::make_unique<RedisServer>());
  const auto master = std::to_string(servers_[0]->port());
  servers_.push_back(std::make_unique<RedisServer>(
      std::vector<std::string>{"--replicaof", "127.0.0.1 " + master, "--repl-diskless-sync-delay", "0"}));
  std::ofstream(dir_.file("sentinel.conf"))
      << "port " << port_ << "\nbind 127.0.0.1\ndir " << dir_.file("") << "\nsentinel monitor main 127.0.0.1 " << master
      << " 1\nsentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n";
  sentinel_.start({"redis-server", dir_.file("sentinel.conf"), "--sentinel"}, dir_.file("log"));
  const auto watches = [&] {
    try {
      const cluster::redis::RedisOptions asking;
      cluster::redis::Connection connection(asking, {"127.0.0.1", port_}, 1000);
      connection.append({"SENTINEL", "REPLICAS", "main"});
      const auto known = connection.answer();
      if (known->elements != 1) return false;
      const auto info = servers_[1]->command({"INFO", "replication"});
      return std::string_view(info->str, info->len).find("master_link_status:up") != std::string_view::npos;
    } catch (const cluster::redis::RedisError&) {
      return false;
    }
  };
  if (!wait_until(watches)) throw std::runtime_error("the Sentinel does not know the replica");
}

cluster::redis::RedisOptions RedisFailover::options() const {
  auto options = servers_[0]->options();
  options.kind = cluster::redis::RedisOptions::Kind::kSentinel;
  // One that is not there is passed over.
  options.addresses = {{"127.0.0.1", free_port()}, {"127.0.0.1", port_}};
  options.master = "main";
  return options;
}

namespace {

constexpr int kSlots = 16384;

}  // namespace

RedisCluster::RedisCluster() {
  constexpr int kMasters = 3;
  for (int i = 0; i < kMasters; ++i) {
    bus_ports_.push_back(free_port());
    masters_.push_back(std::make_unique<RedisServer>(
        std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-port", std::to_string(bus_ports_.back())}));
  }
  for (int i = 0; i < kMasters; ++i) {
    const auto first = std::to_string(kSlots * i / kMasters);
    const auto last = std::to_string(kSlots * (i + 1) / kMasters - 1);
    masters_[static_cast<std::size_t>(i)]->command({"CLUSTER", "ADDSLOTSRANGE", first, last});
    masters_[static_cast<std::size_t>(i)]->command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
  }
  for (std::size_t i = 0; i < masters_.size(); ++i)
    masters_[0]->command(
        {"CLUSTER", "MEET", "127.0.0.1", std::to_string(masters_[i]->port()), std::to_string(bus_ports_[i])});
  const auto knows_all = [](const RedisServer& server) {
    const auto info = server.command({"CLUSTER", "INFO"});
    const std::string_view text(info->str, info->len);
    return text.find("cluster_state:ok") != text.npos && text.find("cluster_known_nodes:3") != text.npos;
  };
  for (const auto& server : masters_)
    if (!wait_until([&] { return knows_all(*server); })) throw std::runtime_error("the Redis Cluster does not form");
}

RedisCluster& RedisCluster::shared() {
  static RedisCluster cluster;
  return cluster;
}

cluster::redis::RedisOptions RedisCluster::options() const {
  auto options = masters_.front()->options();
  options.kind = cluster::redis::RedisOptions::Kind::kCluster;
  for (const auto& other : masters_) options.addresses.push_back({"127.0.0.1", other->port()});
  return options;
}

void RedisCluster::move_slots(std::size_t from) {
  const auto mine = masters_[from]->command({"CLUSTER", "MYID"});
  const auto& to = *masters_[(from + 1) % masters_.size()];
  const auto id = to.command({"CLUSTER", "MYID"});
  const std::string taker(id->str, id->len);
  const int count = static_cast<int>(masters_.size());
  const int index = static_cast<int>(from);
  // The keys are presence, which comes back by itself.
  for (const auto& server : masters_) server->command({"FLUSHALL"});
  for (int slot = kSlots * index / count; slot < kSlots * (index + 1) / count; ++slot)
    for (const RedisServer* server : {&to, static_cast<const RedisServer*>(masters_[from].get())})
      server->command({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", taker});
}

}  // namespace simpleim::test
