#pragma once

#include "base/repeater.h"
#include "composition/stores.h"
#include "media/media_processor.h"
#include "service/accounts/accounts.h"
#include "service/accounts/last_seen.h"
#include "service/calls/calls.h"
#include "service/files/files.h"
#include "service/groups/groups.h"
#include "service/reports/reports.h"
#include "service/search/search.h"
#include "service/search/search_indexer.h"

namespace simpleim {

/// The use cases, and what is done by itself from time to time. What commits say goes through the search indexer to
/// `sockets`.
struct Services {
  Services(const base::Config& config, Foundations& on, Stores& stores, service::Calls& calls,
           service::EventSink& sockets);

  /// Nothing more is done by itself.
  void stop_repeating();

  service::SearchIndexer indexer;
  service::CommitLoop commits;
  service::Tokens tokens;
  service::Passwords passwords;
  service::Sessions sessions;
  service::Accounts accounts;
  service::Groups groups;
  service::LastSeen last_seen;
  service::Reports reports;
  service::Search search;
  media::MediaProcessor media;
  service::Files files;
  std::unique_ptr<base::Repeater> ringing;
  std::unique_ptr<base::Repeater> collector;
};

}  // namespace simpleim
