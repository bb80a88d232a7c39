#include "server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <stdexcept>

#include "api/api.h"
#include "backends.h"
#include "base/data_dir_lock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/repeater.h"
#include "net/listener.h"
#include "service/files/files.h"
#include "service/search/search_indexer.h"
#include "store/sqlite/search_index.h"

namespace simpleim {
namespace {

using base::Config;

/// Requests that may wait for a worker: enough for 10,000 clients that come back at once.
constexpr std::size_t kWorkerQueue = 65536;
/// Requests yield the processor to messages: ten thousand clients that come back at once must not
/// delay those who are there.
constexpr int kWorkerNice = 4;
/// Sign-ins that may wait for a hash; at a fifth of a second each nobody would wait for more.
constexpr std::size_t kHashingQueue = 256;
/// Pieces of files and requests about them.
constexpr std::size_t kFilesQueue = 4096;
/// Uploads that wait to be looked at; each is on the disk already.
constexpr std::size_t kSlowFilesQueue = 4096;
constexpr int kFilesNice = 6;
constexpr int kSlowFilesNice = 12;
/// How often what nobody refers to is looked for.
constexpr std::int64_t kCollectEveryS = 600;

std::size_t thread_count(const Config& config) {
  return config.server.threads > 0 ? static_cast<std::size_t>(config.server.threads)
                                   : std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

std::string prepare_data_dir(const Config& config) {
  std::error_code error;
  std::filesystem::create_directories(config.server.data_dir, error);
  if (error) throw std::runtime_error("server.data_dir " + config.server.data_dir + ": " + error.message());
  std::filesystem::permissions(config.server.data_dir, std::filesystem::perms::owner_all, error);
  return config.server.data_dir;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);  // the lower limit only means fewer connections
}

void refuse_open_plain(const Config& config) {
  if (!config.tls.cert_file.empty() || config.server.allow_plain) return;
  if (!net::parse_endpoint(config.server.listen).address().is_loopback())
    throw std::runtime_error(
        "server.listen " + config.server.listen +
        " is reachable from other machines, but without TLS passwords would travel in the clear; set tls.cert_file and "
        "tls.key_file, or server.allow_plain=true behind a proxy that adds TLS");
}

gateway::Directory::Options directory_options(const Config& config) {
  return {config.session.policy == "single", static_cast<std::size_t>(config.session.max_devices)};
}

protocol::FrameLimits frame_limits(const Config& config) {
  protocol::FrameLimits limits;
  limits.content_bytes = static_cast<std::size_t>(config.limits.content_bytes);
  limits.text_code_points = static_cast<std::size_t>(config.limits.text_code_points);
  return limits;
}

net::WebSocket::Options websocket_options(const Config& config) {
  net::WebSocket::Options options;
  options.max_message = static_cast<std::size_t>(config.limits.frame_bytes);
  options.max_unsent = static_cast<std::size_t>(config.limits.outbound_queue_bytes);
  options.ping_ms = config.heartbeat.ping_s * 1000;
  options.silence_ms = config.heartbeat.silence_s * 1000;
  return options;
}

const std::vector<std::pair<std::string, std::string>> kApiHeaders{
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Cache-Control", "no-store"},
};

}  // namespace

struct Server::Parts {
  explicit Parts(const Config& c);

  const Config config;
  const std::string data_dir;
  base::DataDirLock lock;
  base::SystemClock clock;
  base::SecureRandom random;
  base::IdMaker ids{clock, random};
  base::Metrics metrics;
  OpenedStore opened;
  store::Store& store;
  store::sqlite::SqliteSearchIndex search_index;
  std::unique_ptr<store::FileStore> contents;
  media::ImageProcessor images;
  std::unique_ptr<cluster::Bus> bus;
  std::unique_ptr<cluster::PresenceDirectory> presence;
  std::vector<std::unique_ptr<net::IoThread>> threads;
  std::vector<net::IoThread*> thread_list;
  base::WorkerPool workers;
  base::WorkerPool hashing;
  base::WorkerPool file_workers;
  base::WorkerPool slow_file_workers;

  gateway::Directory directory;
  service::Calls calls;
  std::unique_ptr<service::SearchIndexer> indexer;
  std::unique_ptr<service::CommitLoop> commits;
  std::unique_ptr<service::Conversations> conversations;
  /// Null: this node is alone.
  std::unique_ptr<gateway::ClusterLink> link;
  std::unique_ptr<gateway::GatewayContext> gateway_context;
  std::unique_ptr<gateway::Gateway> gateway;
  service::Tokens tokens;
  service::Passwords passwords;
  std::unique_ptr<service::Sessions> sessions;
  std::unique_ptr<service::Accounts> accounts;
  std::unique_ptr<service::Groups> groups;
  std::unique_ptr<service::LastSeen> last_seen;
  std::unique_ptr<service::Files> files;
  std::unique_ptr<service::Reports> reports;
  std::unique_ptr<service::Search> search;
  std::unique_ptr<base::Repeater> collector;
  std::unique_ptr<base::Repeater> ringing;
  std::unique_ptr<api::ApiContext> api;
  net::Router router;
  net::Router admin_router;
  net::HttpContext http;
  net::HttpContext admin_http;
  std::unique_ptr<net::TlsContext> tls;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<net::Listener> admin_listener;

  void compose_services();
  void compose_listeners();
  void stop_workers();
  /// Waits until every I/O thread has done what was posted before.
  void flush_threads();
};

/// The gateway tells the commit loop's events to sockets, and sockets give it commands: the sink is
/// made first and learns of the loop in connect().
Server::Parts::Parts(const Config& c)
    : config(c),
      data_dir(prepare_data_dir(c)),
      lock(data_dir),
      opened(open_store(c, static_cast<std::size_t>(c.store.readers), clock, random, metrics)),
      store(*opened.store),
      search_index(data_dir + "/search.db", static_cast<std::size_t>(c.store.readers)),
      contents(open_file_store(c, clock, metrics)),
      images("/proc/self/exe", data_dir + "/files/tmp"),
      bus(make_bus(c, clock, random, metrics)),
      presence(make_presence_directory(c, clock, random, metrics)),
      workers({"worker", static_cast<std::size_t>(c.store.readers), kWorkerQueue, kWorkerNice}),
      hashing({"hashing", static_cast<std::size_t>(c.auth.hashing_threads), kHashingQueue, 10}),
      file_workers({"files", static_cast<std::size_t>(c.files.threads), kFilesQueue, kFilesNice}),
      slow_file_workers({"pictures", 1, kSlowFilesQueue, kSlowFilesNice}),
      directory(directory_options(c)),
      calls(ids, {c.rtc.ring_s * 1000, c.rtc.silent_s * 1000}),
      tokens(opened.key, clock),
      passwords(c.auth.argon2_memory_kib, c.auth.argon2_iterations) {
  for (std::size_t i = 0; i < thread_count(c); ++i) {
    threads.push_back(std::make_unique<net::IoThread>(i));
    thread_list.push_back(threads.back().get());
  }
  compose_services();
  compose_listeners();
}

void Server::Parts::compose_services() {
  if (!bus->alone() || store.commit_log() != nullptr)
    link = std::make_unique<gateway::ClusterLink>(
        gateway::ClusterLink::Ports{*bus, store, *presence, workers, clock, config.server.node_id, thread_list.size(),
                                    [this](const auto& conversations) { indexer->note_moved(conversations); }});
  conversations = std::make_unique<service::Conversations>(store);
  gateway_context = std::make_unique<gateway::GatewayContext>(
      gateway::GatewayContext{.store = store,
                              .calls = &calls,
                              .conversations = *conversations,
                              .presence = *presence,
                              .workers = workers,
                              .ids = ids,
                              .random = random,
                              .clock = clock,
                              .metrics = metrics,
                              .directory = directory,
                              .link = link.get(),
                              .frame_limits = frame_limits(config),
                              .messages_per_second = config.limits.messages_per_second,
                              .message_burst = config.limits.message_burst,
                              .sync_push_limit = static_cast<std::size_t>(config.message.sync_push_limit)});
  gateway = std::make_unique<gateway::Gateway>(thread_list, *gateway_context,
                                               gateway::Gateway::Options{config.security.allowed_origins});
  indexer = std::make_unique<service::SearchIndexer>(store, search_index, *gateway);
  commits = std::make_unique<service::CommitLoop>(
      store, *indexer, clock, metrics,
      service::CommitLoop::Options{static_cast<std::size_t>(config.limits.commit_queue),
                                   config.store.commit_delay_us,
                                   {config.message.recall_window_s, config.message.edit_window_s}});
  sessions = std::make_unique<service::Sessions>(
      store, *commits, tokens, ids, random, clock,
      service::Sessions::Options{config.auth.access_token_s, config.auth.refresh_token_s});
  accounts = std::make_unique<service::Accounts>(store, *commits, *sessions, passwords, ids, random, clock,
                                                 config.auth.password_min_length);
  groups = std::make_unique<service::Groups>(
      store, *commits, ids,
      service::Groups::Options{static_cast<std::size_t>(config.limits.group_members),
                               static_cast<std::size_t>(config.limits.groups_per_user)});
  last_seen = std::make_unique<service::LastSeen>(*commits);
  reports = std::make_unique<service::Reports>(*commits, ids);
  search = std::make_unique<service::Search>(store, search_index);
  files = std::make_unique<service::Files>(
      service::Files::Ports{store, *contents, *commits, images, ids, random, clock}, opened.key,
      service::Files::Options{config.files.max_bytes, config.files.quota_bytes, config.files.quota_files,
                              config.files.unsent_hours});
  ringing = std::make_unique<base::Repeater>("calls", std::chrono::seconds(1), [this] {
    try {
      if (calls.is_due(store, clock.now_ms()))
        (void)commits->post([this](service::Batch& batch) { calls.tick(batch); });
    } catch (const store::StoreError&) {
      // A store that does not answer: they end a little later.
    }
  });
  collector =
      std::make_unique<base::Repeater>("collector", std::chrono::seconds(kCollectEveryS), [this] { files->collect(); });
  gateway->connect(*sessions, *commits, *last_seen);
  if (link) link->start(*gateway);
}

void Server::Parts::compose_listeners() {
  api = std::unique_ptr<api::ApiContext>(
      new api::ApiContext{store,
                          *accounts,
                          *sessions,
                          *groups,
                          *conversations,
                          *files,
                          *reports,
                          *search,
                          *commits,
                          *presence,
                          *bus,
                          *contents,
                          *gateway,
                          metrics,
                          clock,
                          workers,
                          hashing,
                          service::KeyedRateLimit(config.limits.logins_per_minute),
                          service::KeyedRateLimit(config.limits.registrations_per_minute),
                          service::KeyedRateLimit(config.files.uploads_per_minute),
                          {},
                          config.server.node_id,
                          api::embedded_assets()});
  api->rtc = config.rtc;
  api->files_origin = files_origin(config);
  api::add_routes(router, *api);
  api::add_admin_routes(admin_router, *api);
  http.router = &router;
  http.workers = &workers;
  http.hashing = &hashing;
  http.files = &file_workers;
  http.slow_files = &slow_file_workers;
  // Parts, boundaries and fields come on top; the file itself is measured when it is known.
  constexpr std::uint64_t kFormOverhead = 64 << 10;
  http.max_upload = config.files.max_bytes > 0 ? static_cast<std::uint64_t>(config.files.max_bytes) + kFormOverhead
                                               : std::uint64_t{1} << 62;
  http.trusted_proxies = net::TrustedProxies(config.server.trusted_proxies);
  http.websocket = websocket_options(config);
  http.headers = kApiHeaders;
  http.allowed_origins = config.security.allowed_origins;
  admin_http = http;
  admin_http.router = &admin_router;
  if (!config.tls.cert_file.empty()) tls = std::make_unique<net::TlsContext>(config.tls.cert_file, config.tls.key_file);
  listener = std::make_unique<net::Listener>(thread_list, config.server.listen, http, tls.get());
  if (!config.server.admin_listen.empty())
    admin_listener = std::make_unique<net::Listener>(std::vector{thread_list.front()}, config.server.admin_listen,
                                                     admin_http, nullptr);
}

void Server::Parts::stop_workers() {
  indexer->stop();
  collector.reset();
  ringing.reset();
  hashing.stop();
  workers.stop();
  file_workers.stop();
  slow_file_workers.stop();
}

void Server::Parts::flush_threads() {
  for (auto& thread : threads) {
    std::promise<void> done;
    thread->post([&done] { done.set_value(); });
    done.get_future().wait_for(std::chrono::seconds(2));
  }
}

Server::Server(const Config& config) {
  refuse_open_plain(config);
  raise_descriptor_limit();
  parts_ = std::make_unique<Parts>(config);
}

Server::~Server() {
  if (parts_->link) parts_->link->stop();
  for (auto& thread : parts_->threads) thread->stop();
  parts_->stop_workers();
  parts_->commits->stop();
  parts_->bus.reset();  // it says what is queued, and calls nobody any more
}

void Server::start() {
  parts_->indexer->start();
  parts_->listener->start();
  if (parts_->admin_listener) parts_->admin_listener->start();
  for (auto& thread : parts_->threads) thread->start();
}

void Server::reload(const Config& fresh) {
  if (fresh.log.level == "debug") base::log::set_level(base::log::Level::kDebug);
  if (fresh.log.level == "info") base::log::set_level(base::log::Level::kInfo);
  if (fresh.log.level == "warn") base::log::set_level(base::log::Level::kWarn);
  if (fresh.log.level == "error") base::log::set_level(base::log::Level::kError);
  if (!parts_->tls) return;
  if (const auto problem = parts_->tls->reload(); problem.empty()) base::log::info("certificates reloaded");
  else base::log::error("the certificates were not reloaded; the old ones stay", {{"what", problem}});
}

void Server::drain() {
  const auto over_ms = parts_->config.server.drain_seconds * 1000;
  base::log::info("draining", {{"connections", parts_->gateway->connections()}});
  parts_->listener->stop();
  parts_->gateway->drain(over_ms);
  constexpr std::int64_t kGraceMs = 3000;
  const auto deadline = parts_->clock.steady_ms() + over_ms + kGraceMs;
  // Until the last goodbye is read, too: a process that ends with unread input resets its connections.
  const auto open = [this] {
    std::size_t sockets = 0;
    for (const auto& thread : parts_->threads) sockets += thread->open_sockets();
    return sockets;
  };
  while (open() > 0 && parts_->clock.steady_ms() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  parts_->stop_workers();
  parts_->commits->stop();
  parts_->flush_threads();
  parts_->flush_threads();
  base::log::info("drained");
}

unsigned short Server::port() const { return parts_->listener->port(); }

}  // namespace simpleim
