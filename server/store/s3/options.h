#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/metrics.h"

namespace simpleim::store::s3 {

struct S3Options {
  /// `http://host:port` or `https://host`; `https://bucket.host` with bucket_in_host.
  std::string endpoint;
  /// The same as browsers reach it; empty: they do not.
  std::string public_endpoint;
  std::string bucket;
  /// The bucket is named by the host, as some providers want it; else by the path, which MinIO, Ceph and AWS take.
  bool bucket_in_host = false;
  std::string region;
  std::string access_key;
  std::string secret_key;
  /// What no call waits longer for while nothing comes.
  std::int64_t deadline_ms = 0;
  /// An existing folder of this node's for what is on its way.
  std::string scratch_dir;
  std::optional<base::BackendMetrics> metrics;
};

}  // namespace simpleim::store::s3
