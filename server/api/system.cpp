#include <ctime>

#include "api/routes.h"

/// What the server is, health, readiness, figures.
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

net::Response server_info(const ServerInfo& info) {
  return ok([&](JsonWriter& w) {
    w.field("name", info.name)
        .field("version", info.version)
        .field("registration", info.registration_open ? "open" : "closed");
    w.key("sign_in").begin_array().value("password").end_array();
    w.field("password_min_length", info.password_min_length)
        .field("recall_window_s", info.recall_window_s)
        .field("edit_window_s", info.edit_window_s);
    w.key("limits")
        .begin_object()
        .field("file_bytes", info.file_bytes)
        .field("content_bytes", info.content_bytes)
        .field("text_code_points", info.text_code_points)
        .field("group_members", info.group_members)
        .field("messages_per_second", info.messages_per_second)
        .end_object();
  });
}

/// `details`: for the operator's eyes; strangers learn that something is away, not what it is called.
net::Response ready(ApiContext& context, bool details) {
  const auto [store, bus, files] = context.readiness.parts(context.clock.steady_ms(), [&context] {
    return Readiness::Parts{context.store.health(), context.bus.health(), context.contents.health()};
  });
  const auto shown = [details](const std::string& problem) -> std::string {
    return problem.empty() ? "ok" : details ? problem : "unavailable";
  };
  const bool draining = context.gateway.is_draining();
  net::Response response;
  // Without the bus the node serves its own users, and hears of the others' messages a little later; without the files
  // it serves everything else.
  response.status = store.empty() && !draining ? 200 : 503;
  JsonWriter w(response.body);
  w.begin_object().field("ready", response.status == 200);
  w.key("parts").begin_object();
  w.field("store", shown(store))
      .field("bus", shown(bus))
      .field("files", shown(files))
      .field("node", draining ? "draining" : "ok");
  w.end_object().end_object();
  return response;
}

}  // namespace

void add_system_routes(net::Router& router, ApiContext& context, bool details) {
  router.add("GET", "/api/server", net::Lane::kInline,
             [&context](const net::Request&) { return server_info(context.info); });
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
  router.add("GET", "/ready", net::Lane::kWorker,
             [&context, details](const net::Request&) { return ready(context, details); });
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
