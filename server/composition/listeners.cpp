#include "composition/listeners.h"

#include <sys/resource.h>

#include "base/log.h"

namespace simpleim {
namespace {

const std::vector<std::pair<std::string, std::string>> kApiHeaders{
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Cache-Control", "no-store"},
};

net::WebSocket::Options websocket_options(const base::Config& config) {
  net::WebSocket::Options options;
  options.max_message = static_cast<std::size_t>(config.limits.frame_bytes);
  options.max_unsent = static_cast<std::size_t>(config.limits.outbound_queue_bytes);
  options.deflate = config.ws.compression;
  options.ping_ms = config.heartbeat.ping_s * 1000;
  options.silence_ms = config.heartbeat.silence_s * 1000;
  return options;
}

std::string public_url(const base::Config& config) {
  auto url = config.server.public_url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

api::ServerInfo server_info(const base::Config& config) {
  return {.name = config.server.name,
          .version = SIMPLEIM_VERSION,
          .public_url = public_url(config),
          .public_path = config.public_path(),
          .session_s = config.auth.refresh_token_s,
          .registration_open = config.auth.registration == "open",
          .reserved_usernames = config.auth.reserved_usernames,
          .password_min_length = config.auth.password_min_length,
          .recall_window_s = config.message.recall_window_s,
          .edit_window_s = config.message.edit_window_s,
          .file_bytes = config.files.max_bytes,
          .content_bytes = config.limits.content_bytes,
          .text_code_points = config.limits.text_code_points,
          .group_members = config.limits.group_members,
          .messages_per_second = config.limits.messages_per_second};
}

net::ConnectionPlaces::Limits place_limits(const base::Config& config) {
  // What the server itself has open: database, files, other services, the admin listener.
  constexpr rlim_t kReserve = 512;
  auto all = static_cast<std::size_t>(config.limits.connections);
  rlimit descriptors{};
  if (all == 0 && getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur != RLIM_INFINITY)
    all = descriptors.rlim_cur > 2 * kReserve ? descriptors.rlim_cur - kReserve : descriptors.rlim_cur / 2;
  return {all, static_cast<std::size_t>(config.limits.connections_per_address)};
}

/// The figure of a request, and its line in the log.
auto tell_of_requests(base::Metrics& metrics, bool logged) {
  return [&metrics, logged](const net::AnsweredRequest& request) {
    const auto route = request.route.empty() ? std::string_view("other") : request.route;
    // Any client can make up methods, and each would be a figure of its own.
    const auto method = request.route.empty() ? std::string_view("other") : request.method;
    metrics.http_request(method, route, request.status, static_cast<double>(request.took_us) / 1e6);
    if (logged)
      base::log::info("request", {{"method", request.method},
                                  {"path", request.path},
                                  {"status", request.status},
                                  {"ms", request.took_us / 1000},
                                  {"address", request.remote_address}});
  };
}

net::HttpContext http_context(const base::Config& config, Threads& threads, const net::Router& router) {
  // Parts, boundaries and fields come on top; the file itself is measured when it is known.
  constexpr std::uint64_t kFormOverhead = 64 << 10;
  net::HttpContext http;
  http.router = &router;
  http.workers = &threads.requests;
  http.hashing = &threads.hashing;
  http.files = &threads.files;
  http.slow_files = &threads.pictures;
  http.max_upload = config.files.max_bytes > 0 ? static_cast<std::uint64_t>(config.files.max_bytes) + kFormOverhead
                                               : std::uint64_t{1} << 62;
  http.trusted_proxies = net::TrustedProxies(config.server.trusted_proxies);
  http.mount = config.public_path();
  http.websocket = websocket_options(config);
  http.headers = kApiHeaders;
  http.allowed_origins = config.security.allowed_origins;
  return http;
}

}  // namespace

Listeners::Listeners(const base::Config& config, Foundations& on, Stores& stores, Threads& threads,
                     service::Conversations& conversations, Services& services, Sockets& sockets)
    : api{.store = stores.main,
          .accounts = services.accounts,
          .sessions = services.sessions,
          .groups = services.groups,
          .conversations = conversations,
          .files = services.files,
          .reports = services.reports,
          .search = services.search,
          .commits = services.commits,
          .presence = *stores.presence,
          .bus = *stores.bus,
          .contents = *stores.contents,
          .gateway = sockets.gateway,
          .metrics = on.metrics,
          .clock = on.clock,
          .workers = threads.requests,
          .hashing = threads.hashing,
          .readiness = {},
          .budget = api::Budget(config.limits.reads_per_minute, config.limits.writes_per_minute,
                                config.limits.strangers_per_minute),
          .logins = service::KeyedRateLimit(config.limits.logins_per_minute),
          .registrations = service::KeyedRateLimit(config.limits.registrations_per_minute),
          .failed_logins = service::KeyedRateLimit(config.limits.failed_logins_per_minute),
          .uploads = service::KeyedRateLimit(config.files.uploads_per_minute),
          .upload_turns = {},
          .node_id = config.server.node_id,
          .info = server_info(config),
          .assets = api::embedded_assets(),
          .rtc = config.rtc,
          .files_origin = files_origin(config)},
      places(place_limits(config)) {
  api::add_routes(router, api);
  api::add_admin_routes(admin_router, api);
  http = http_context(config, threads, router);
  http.places = &places;
  http.answered = tell_of_requests(on.metrics, config.log.requests);
  admin_http = http_context(config, threads, admin_router);
  if (!config.tls.cert_file.empty()) tls = std::make_unique<net::TlsContext>(config.tls.cert_file, config.tls.key_file);
  listener = std::make_unique<net::Listener>(threads.io_list, config.server.listen, http, tls.get());
  if (!config.server.admin_listen.empty())
    admin_listener = std::make_unique<net::Listener>(std::vector{threads.io_list.front()}, config.server.admin_listen,
                                                     admin_http, nullptr);
}

void Listeners::start() {
  listener->start();
  if (admin_listener) admin_listener->start();
}

}  // namespace simpleim
