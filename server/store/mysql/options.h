#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/service_url.h"

namespace simpleim::store::mysql {

struct MysqlOptions {
  static constexpr int kPort = 3306;

  /// A primary and those that may become it (replicas): used is the one that is not read-only.
  std::vector<base::Address> hosts{{"127.0.0.1", kPort}};
  /// Not empty: TLS, with a certificate of these authorities (PEM) for the host's name.
  std::string ca_file;
  std::string user = "simpleim";
  std::string password;
  std::string database = "simpleim";
  /// Connections to read with, at most.
  std::size_t readers = 1;
  /// What no call waits longer for, connecting included; the driver counts whole seconds.
  std::int64_t deadline_ms = 0;
  /// Who writes, for the commit log.
  std::string node = "node1";
  std::optional<base::BackendMetrics> metrics;
};

}  // namespace simpleim::store::mysql
