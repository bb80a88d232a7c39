#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <string>

namespace simpleim::base {

/// Every figure the server publishes at /metrics, by name. Thread-safe. On the path of a message
/// figures are added once a batch, never once a message.
class Metrics {
 public:
  Metrics();

  /// The Prometheus text format, version 0.0.4.
  std::string text() const;

  /// Stored messages of one frame type.
  prometheus::Counter& messages(int type);

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& messages_family_;

 public:
  prometheus::Gauge& connections;
  prometheus::Gauge& users_online;
  prometheus::Counter& connections_total;
  prometheus::Counter& closed_slow;
  prometheus::Counter& closed_silent;
  prometheus::Counter& refused;
  prometheus::Counter& deliveries;
  prometheus::Counter& commits_failed;
  prometheus::Counter& commits_retried;
  prometheus::Histogram& commit_batch;
  prometheus::Histogram& commit_seconds;
  prometheus::Gauge& commit_queue;
  prometheus::Gauge& unarchived;
  prometheus::Gauge& worker_queue;
  prometheus::Gauge& hashing_queue;
  prometheus::Histogram& delivery_seconds;
};

}  // namespace simpleim::base
