#include <ctime>

#include "api/routes.h"

/// Health, readiness, figures.
namespace simpleim::api {
namespace {

std::string rfc3339(std::int64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

net::Response ready(ApiContext& context) {
  const auto store = context.store.health();
  const auto bus = context.bus.health();
  const auto files = context.contents.health();
  const bool draining = context.gateway.is_draining();
  net::Response response;
  // Without the bus the node serves its own users, and hears of the others' messages a little later; without the files
  // it serves everything else.
  response.status = store.empty() && !draining ? 200 : 503;
  JsonWriter w(response.body);
  w.begin_object().field("ready", response.status == 200);
  w.key("parts").begin_object();
  w.field("store", store.empty() ? "ok" : store)
      .field("bus", bus.empty() ? "ok" : bus)
      .field("files", files.empty() ? "ok" : files)
      .field("node", draining ? "draining" : "ok");
  w.end_object().end_object();
  return response;
}

}  // namespace

void add_system_routes(net::Router& router, ApiContext& context) {
  router.add("GET", "/health", net::Lane::kInline, [&context](const net::Request&) {
    net::Response response;
    JsonWriter w(response.body);
    w.begin_object()
        .field("status", "ok")
        .field("node_id", context.node_id)
        .field("time", rfc3339(context.clock.now_ms()))
        .end_object();
    return response;
  });
  router.add("GET", "/ready", net::Lane::kWorker, [&context](const net::Request&) { return ready(context); });
  router.add("GET", "/stats", net::Lane::kInline, [&context](const net::Request&) {
    net::Response response;
    JsonWriter w(response.body);
    w.begin_object()
        .field("total_connections", context.gateway.connections())
        .field("users_online", context.gateway.users_online())
        .end_object();
    return response;
  });
}

}  // namespace simpleim::api
