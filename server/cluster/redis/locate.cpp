#include "cluster/redis/locate.h"

#include <algorithm>
#include <chrono>

namespace simpleim::cluster::redis {
namespace {

/// One that does not answer leaves time for the others.
constexpr std::int64_t kLeastTryMs = 50;

base::Address ask_sentinel(const RedisOptions& options, const base::Address& sentinel, std::int64_t ms) {
  RedisOptions asking;  // Sentinels have no passwords of Redis
  Connection connection(asking, sentinel, ms);
  connection.append({"SENTINEL", "get-master-addr-by-name", options.master});
  const auto reply = connection.answer();
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
    throw RedisError("Sentinel " + sentinel.text() + ": no master of the name " + options.master);
  const base::Address master{std::string(text_of(*reply->element[0])),
                             std::stoi(std::string(text_of(*reply->element[1])))};
  // A Sentinel that was away still names the one before.
  Connection found(options, master, ms);
  found.append({"ROLE"});
  const auto role = found.answer();
  if (role->type != REDIS_REPLY_ARRAY || role->elements == 0 || text_of(*role->element[0]) != "master")
    throw RedisError("Redis " + master.text() + ": not a master, though Sentinel says so");
  return master;
}

base::Address ask_cluster(const RedisOptions& options, const base::Address& node, std::int64_t ms) {
  Connection connection(options, node, ms);
  connection.append({"CLUSTER", "KEYSLOT", options.prefix});
  connection.append({"CLUSTER", "SLOTS"});
  const auto slot = connection.answer()->integer;
  const auto ranges = connection.answer();
  for (std::size_t i = 0; i < ranges->elements; ++i) {
    const auto& range = *ranges->element[i];
    if (range.elements < 3 || slot < range.element[0]->integer || slot > range.element[1]->integer) continue;
    const auto& master = *range.element[2];
    // A node that does not know its own address leaves it out.
    const std::string host(text_of(*master.element[0]));
    return {host.empty() ? node.host : host, static_cast<int>(master.element[1]->integer)};
  }
  throw RedisError("Redis " + node.text() + ": the cluster has no master for some keys");
}

}  // namespace

Location locate(const RedisOptions& options, std::int64_t deadline_ms) {
  if (options.kind == RedisOptions::Kind::kServer) return {options.addresses.front(), deadline_ms};
  const auto started = std::chrono::steady_clock::now();
  const auto left = [&] {
    const auto passed = std::chrono::steady_clock::now() - started;
    return deadline_ms - std::chrono::duration_cast<std::chrono::milliseconds>(passed).count();
  };
  std::string why;
  for (const auto& address : options.addresses) {
    const auto ms = std::max(kLeastTryMs, left() / 2);
    try {
      const auto found = options.kind == RedisOptions::Kind::kSentinel ? ask_sentinel(options, address, ms)
                                                                       : ask_cluster(options, address, ms);
      return {found, left()};
    } catch (const RedisError& error) {
      why = error.what();
    }
  }
  throw RedisError(why);
}

}  // namespace simpleim::cluster::redis
