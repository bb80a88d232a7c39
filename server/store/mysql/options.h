#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/metrics.h"

namespace simpleim::store::mysql {

struct MysqlOptions {
  std::string host = "127.0.0.1";
  int port = 3306;
  std::string user = "simpleim";
  std::string password;
  std::string database = "simpleim";
  /// Connections to read with, at most.
  std::size_t readers = 4;
  /// What no call waits longer for, connecting included; the driver counts whole seconds.
  std::int64_t deadline_ms = 1000;
  /// Who writes, for the commit log.
  std::string node = "node1";
  std::optional<base::BackendMetrics> metrics;
};

}  // namespace simpleim::store::mysql
