#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"

namespace simpleim::store::opensearch {

struct OpenSearchOptions {
  /// `http://host:port`, at least one; the next one is asked when one does not answer.
  std::vector<std::string> endpoints;
  std::string user;
  std::string password;
  /// What certificates are checked against; empty: what the machine trusts.
  std::string ca_file;
  /// The name by which all nodes know the index; what it stands for is called after it.
  std::string index = "simpleim";
  /// This one's name, for whoever looks who writes.
  std::string node;
  /// What no call waits longer for while nothing comes.
  std::int64_t deadline_ms = 0;
  std::optional<base::BackendMetrics> metrics;
};

}  // namespace simpleim::store::opensearch
