#pragma once

#include <memory>

#include "api/api.h"
#include "composition/services.h"
#include "composition/sockets.h"
#include "net/listener.h"

namespace simpleim {

/// The two ports, for clients and for /metrics, and the routes behind them.
struct Listeners {
  /// Opens both; throws with a text for people.
  Listeners(const base::Config& config, Foundations& on, Stores& stores, Threads& threads,
            service::Conversations& conversations, Services& services, Sockets& sockets);

  void start();

  api::ApiContext api;
  net::Router router;
  net::Router admin_router;
  net::ConnectionPlaces places;
  net::HttpContext http;
  net::HttpContext admin_http;
  /// Null: plain HTTP.
  std::unique_ptr<net::TlsContext> tls;
  std::unique_ptr<net::Listener> listener;
  /// Null: off.
  std::unique_ptr<net::Listener> admin_listener;
};

}  // namespace simpleim
