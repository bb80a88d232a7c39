#include "base/metrics.h"

#include <prometheus/text_serializer.h>

namespace simpleim::base {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

prometheus::Gauge& gauge(prometheus::Registry& r, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(r).Add({});
}
prometheus::Counter& counter(prometheus::Registry& r, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(r).Add({});
}
prometheus::Gauge& gauge_of(prometheus::Registry& r, const char* name, const char* help, const std::string& backend) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(r).Add({{"backend", backend}});
}
prometheus::Counter& counter_of(prometheus::Registry& r, const char* name, const char* help,
                                const std::string& backend) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(r).Add({{"backend", backend}});
}
prometheus::Histogram& histogram(prometheus::Registry& r, const char* name, const char* help, const Buckets& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(r).Add({}, buckets);
}

const Buckets kSeconds{0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5};
const Buckets kSizes{1, 4, 16, 64, 128, 256, 512, 1024, 2048};

}  // namespace

Metrics::Metrics()
    : messages_family_(prometheus::BuildCounter()
                           .Name("simpleim_messages_total")
                           .Help("Stored messages by frame type")
                           .Register(registry_)),
      requests_family_(prometheus::BuildCounter()
                           .Name("simpleim_http_requests_total")
                           .Help("REST requests, and requests for a WebSocket, by route and status")
                           .Register(registry_)),
      request_seconds_family_(prometheus::BuildHistogram()
                                  .Name("simpleim_http_request_seconds")
                                  .Help("From a request's arrival to its answer, by route")
                                  .Register(registry_)),
      connections(gauge(registry_, "simpleim_connections", "Open WebSocket connections")),
      users_online(gauge(registry_, "simpleim_users_online", "Users with at least one connection")),
      connections_total(counter(registry_, "simpleim_connections_total", "WebSocket connections since the start")),
      closed_slow(
          counter(registry_, "simpleim_closed_slow_total", "Connections closed with 4009 because they did not read")),
      closed_silent(
          counter(registry_, "simpleim_closed_silent_total", "Connections closed with 4008 because they were silent")),
      refused(counter(registry_, "simpleim_refused_total", "Messages answered with an error")),
      deliveries(counter(registry_, "simpleim_deliveries_total", "Frames of messages queued to sockets")),
      commits_failed(counter(registry_, "simpleim_commits_failed_total", "Batches the store refused")),
      commits_retried(counter(registry_, "simpleim_commits_retried_total",
                              "Batches tried again because another node was in the way")),
      commit_batch(histogram(registry_, "simpleim_commit_batch_messages", "Messages in one commit", kSizes)),
      commit_seconds(histogram(registry_, "simpleim_commit_seconds",
                               "Time of one commit, from the first statement to the disk", kSeconds)),
      commit_queue(gauge(registry_, "simpleim_commit_queue", "Commands that wait for a commit")),
      unarchived(gauge(registry_, "simpleim_unarchived_messages", "Committed messages not yet in their final table")),
      worker_queue(gauge(registry_, "simpleim_worker_queue", "Requests that wait for a worker thread")),
      hashing_queue(gauge(registry_, "simpleim_hashing_queue", "Sign-ins that wait for a password hashing thread")),
      delivery_seconds(histogram(registry_, "simpleim_delivery_seconds",
                                 "From a message's arrival to its delivery to the sockets, oldest of each batch",
                                 kSeconds)) {}

void Metrics::http_request(std::string_view method, std::string_view route, int status, double seconds) {
  const prometheus::Labels labels{{"method", std::string(method)}, {"route", std::string(route)}};
  auto counted = labels;
  counted.emplace("status", std::to_string(status));
  requests_family_.Add(counted).Increment();
  request_seconds_family_.Add(labels, kSeconds).Observe(seconds);
}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

prometheus::Counter& Metrics::messages(int type) { return messages_family_.Add({{"type", std::to_string(type)}}); }

BackendMetrics Metrics::backend(const std::string& name) {
  return {&counter_of(registry_, "simpleim_backend_failures_total",
                      "Times a backend was not reached, did not answer in time or closed a connection", name),
          &counter_of(registry_, "simpleim_backend_refused_total",
                      "Calls not made because the backend had just failed (its circuit breaker was open)", name),
          &gauge_of(registry_, "simpleim_backend_breaker",
                    "Circuit breaker of a backend: 0 closed (it works), 1 open, 2 half open (one call tries)", name)};
}

BusMetrics Metrics::bus() {
  return {&counter(registry_, "simpleim_bus_published_total", "Publications sent to other nodes"),
          &counter(registry_, "simpleim_bus_received_total", "Publications that came from other nodes"),
          &counter(registry_, "simpleim_bus_dropped_total", "Publications not sent; the others were told to sync"),
          &counter(registry_, "simpleim_bus_connects_total", "Connections made to the bus since the start"),
          &gauge(registry_, "simpleim_bus_connected", "Connections to the bus that work: 1, of a Redis Cluster 8")};
}

}  // namespace simpleim::base
