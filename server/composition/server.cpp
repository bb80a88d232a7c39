#include "composition/server.h"

#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "base/data_dir_lock.h"
#include "base/log.h"
#include "composition/listeners.h"

namespace simpleim {
namespace {

using base::Config;

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

service::Calls::Options call_options(const Config& config) {
  return {config.rtc.ring_s * 1000, config.rtc.silent_s * 1000};
}

}  // namespace

/// In the order in which they need each other; they go in the opposite one.
struct Server::Parts {
  explicit Parts(const Config& c);

  const Config config;
  base::DataDirLock lock;
  Foundations on;
  Stores stores;
  Threads threads;
  service::Calls calls;
  service::Conversations conversations;
  Sockets sockets;
  Services services;
  Listeners listeners;
};

/// What commits say goes to the sockets, and sockets give the commit loop its work: they are made first and learn of it
/// in connect().
Server::Parts::Parts(const Config& c)
    : config(c),
      lock(prepare_data_dir(c)),
      stores(c, on),
      threads(c),
      calls(on.ids, call_options(c)),
      conversations(stores.main),
      sockets(c, on, stores, threads, calls, conversations,
              [this](const auto& moved) { services.indexer.note_moved(moved); }),
      services(c, on, stores, calls, sockets.gateway),
      listeners(c, on, stores, threads, conversations, services, sockets) {
  sockets.gateway.connect(services.sessions, services.commits, services.last_seen);
  if (sockets.link) sockets.link->start(sockets.gateway);
  if (sockets.link && !config.search.url.empty())
    services.indexer.share([this](const auto& moved) { sockets.link->tell_moved(moved); });
}

Server::Server(const Config& config) {
  refuse_open_plain(config);
  raise_descriptor_limit();
  parts_ = std::make_unique<Parts>(config);
}

Server::~Server() {
  if (parts_->sockets.link) parts_->sockets.link->stop();
  parts_->threads.stop_io();
  parts_->services.stop_repeating();
  parts_->threads.stop_workers();
  parts_->services.commits.stop();
  parts_->stores.bus.reset();  // it says what is queued, and calls nobody any more
}

void Server::start() {
  parts_->services.indexer.start();
  parts_->listeners.start();
  parts_->threads.start();
}

void Server::reload(const Config& fresh) {
  if (fresh.log.level == "debug") base::log::set_level(base::log::Level::kDebug);
  if (fresh.log.level == "info") base::log::set_level(base::log::Level::kInfo);
  if (fresh.log.level == "warn") base::log::set_level(base::log::Level::kWarn);
  if (fresh.log.level == "error") base::log::set_level(base::log::Level::kError);
  const auto& tls = parts_->listeners.tls;
  if (!tls) return;
  if (const auto problem = tls->reload(); problem.empty()) base::log::info("certificates reloaded");
  else base::log::error("the certificates were not reloaded; the old ones stay", {{"what", problem}});
}

void Server::drain() {
  const auto over_ms = parts_->config.server.drain_seconds * 1000;
  auto& threads = parts_->threads;
  const auto& clock = parts_->on.clock;
  base::log::info("draining", {{"connections", parts_->sockets.gateway.connections()}});
  parts_->listeners.listener->stop();
  parts_->sockets.gateway.drain(over_ms);
  constexpr std::int64_t kGraceMs = 3000;
  const auto deadline = clock.steady_ms() + over_ms + kGraceMs;
  // Until the last goodbye is read, too: a process that ends with unread input resets its connections.
  while (threads.open_sockets() > 0 && clock.steady_ms() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  parts_->services.stop_repeating();
  threads.stop_workers();
  parts_->services.commits.stop();
  threads.flush();
  threads.flush();
  base::log::info("drained");
}

unsigned short Server::port() const { return parts_->listeners.listener->port(); }

}  // namespace simpleim
