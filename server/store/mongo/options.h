#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/metrics.h"

namespace simpleim::store::mongo {

struct MongoOptions {
  /// `mongodb://user:password@host:27017,…/database?replicaSet=…`.
  std::string uri;
  std::string database = "simpleim";
  /// What no call waits longer for: finding a server, connecting, each answer.
  std::int64_t deadline_ms = 0;
  std::optional<base::BackendMetrics> metrics;
};

}  // namespace simpleim::store::mongo
