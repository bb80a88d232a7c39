#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <string>
#include <string_view>

namespace simpleim::base {

/// How a backend does that is reached over the network. The figures are Metrics' own.
struct BackendMetrics {
  prometheus::Counter* failures;
  prometheus::Counter* refused;
  /// A CircuitBreaker::State.
  prometheus::Gauge* breaker;
};

/// How the bus between nodes does.
struct BusMetrics {
  prometheus::Counter* published;
  prometheus::Counter* received;
  prometheus::Counter* dropped;
  prometheus::Counter* connects;
  prometheus::Gauge* connected;
};

/// Every figure the server publishes at /metrics, by name. Thread-safe. On the path of a message
/// figures are added once a batch, never once a message.
class Metrics {
 public:
  Metrics();

  /// The Prometheus text format, version 0.0.4.
  std::string text() const;

  /// Stored messages of one frame type.
  prometheus::Counter& messages(int type);

  /// A REST request, or the request for a WebSocket. `route`: its pattern; "other" for paths that are none.
  void http_request(std::string_view method, std::string_view route, int status, double seconds);

  /// Published from the first call on, by name: mysql, mongo, s3, presence.
  BackendMetrics backend(const std::string& name);
  BusMetrics bus();

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& messages_family_;
  prometheus::Family<prometheus::Counter>& requests_family_;
  prometheus::Family<prometheus::Histogram>& request_seconds_family_;

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
