#pragma once

#include "api/budget.h"
#include "api/client/assets.h"
#include "api/files/upload_turns.h"
#include "api/readiness.h"
#include "api/server_info.h"
#include "base/config.h"
#include "base/metrics.h"
#include "cluster/bus.h"
#include "cluster/presence_directory.h"
#include "gateway/gateway.h"
#include "net/http.h"
#include "service/accounts/accounts.h"
#include "service/accounts/sessions.h"
#include "service/conversations/conversations.h"
#include "service/files/files.h"
#include "service/groups/groups.h"
#include "service/limits/rate_limit.h"
#include "service/reports/reports.h"
#include "service/search/search.h"

namespace simpleim::api {

/// What the resources are made of; one for the server.
struct ApiContext {
  store::Store& store;
  service::Accounts& accounts;
  service::Sessions& sessions;
  service::Groups& groups;
  service::Conversations& conversations;
  service::Files& files;
  service::Reports& reports;
  service::Search& search;
  service::CommitLoop& commits;
  cluster::PresenceDirectory& presence;
  cluster::Bus& bus;
  store::FileStore& contents;
  gateway::Gateway& gateway;
  base::Metrics& metrics;
  const base::Clock& clock;
  base::WorkerPool& workers;
  base::WorkerPool& hashing;
  Readiness readiness;
  Budget budget;
  service::KeyedRateLimit logins;
  service::KeyedRateLimit registrations;
  /// By account.
  service::KeyedRateLimit failed_logins;
  /// By user.
  service::KeyedRateLimit uploads;
  UploadTurns upload_turns;
  std::string node_id;
  ServerInfo info;
  /// The web client.
  Assets assets;
  /// Who helps two browsers to find each other.
  base::Config::Rtc rtc = {};
  /// Where pages may also get files from; "": nowhere else.
  std::string files_origin = {};
};

/// Adds the routes of protocol.md section 2. `context` outlives the router.
void add_routes(net::Router& router, ApiContext& context);
/// Adds what the admin listener serves: /metrics, and the health routes.
void add_admin_routes(net::Router& router, ApiContext& context);

}  // namespace simpleim::api
