#pragma once

#include "cluster/redis/connection.h"

namespace simpleim::cluster::redis {

struct Location {
  base::Address address;
  /// Of the deadline.
  std::int64_t left_ms;
};

/// The server that commands go to at this time: of Sentinels the master they name (it must say itself that it is one),
/// of a cluster the master that keeps the keys of `options.prefix`. Asks one address after the other. Blocks no longer
/// than the deadline; throws RedisError.
Location locate(const RedisOptions& options, std::int64_t deadline_ms);

}  // namespace simpleim::cluster::redis
