#include "composition/services.h"

#include <chrono>

namespace simpleim {
namespace {

/// How often what nobody refers to is looked for.
constexpr std::chrono::seconds kCollectEvery{600};
/// How often calls are looked at that rang long enough.
constexpr std::chrono::seconds kRingingEvery{1};

service::CommitLoop::Options commit_options(const base::Config& config) {
  return {static_cast<std::size_t>(config.limits.commit_queue),
          config.store.commit_delay_us,
          {config.message.recall_window_s, config.message.edit_window_s},
          config.public_path()};
}

service::Groups::Options group_options(const base::Config& config) {
  return {static_cast<std::size_t>(config.limits.group_members),
          static_cast<std::size_t>(config.limits.groups_per_user), config.groups.history == "all"};
}

std::string cdn_url(const base::Config& config) {
  auto url = config.files.public_url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

service::Files::Options file_options(const base::Config& config) {
  return {config.files.max_bytes, config.files.quota_bytes, config.files.quota_files,  config.files.unsent_hours,
          config.public_path(),   cdn_url(config),          config.files.public_link_s};
}

}  // namespace

Services::Services(const base::Config& config, Foundations& on, Stores& stores, service::Calls& calls,
                   service::EventSink& sockets)
    : indexer(stores.main, *stores.search_index, sockets),
      commits(stores.main, indexer, on.clock, on.metrics, commit_options(config)),
      tokens(stores.opened.key, on.clock),
      passwords(config.auth.argon2_memory_kib, config.auth.argon2_iterations),
      sessions(stores.main, commits, tokens, on.ids, on.clock,
               service::Sessions::Options{config.auth.access_token_s, config.auth.refresh_token_s,
                                          config.auth.refresh_grace_s}),
      accounts(stores.main, commits, sessions, passwords, on.ids, on.random, on.clock, config.auth.password_min_length),
      groups(stores.main, commits, on.ids, group_options(config)),
      last_seen(commits),
      reports(commits, on.ids),
      search(stores.main, *stores.search_index),
      media("/proc/self/exe", config.server.data_dir + "/files/tmp"),
      files(service::Files::Ports{stores.main, *stores.contents, commits, media, on.ids, on.random, on.clock},
            stores.opened.key, file_options(config)),
      ringing(std::make_unique<base::Repeater>("calls", kRingingEvery,
                                               [this, &calls, &main = stores.main, &clock = on.clock] {
                                                 try {
                                                   if (calls.is_due(main, clock.now_ms()))
                                                     (void)commits.post(
                                                         [&calls](service::Batch& batch) { calls.tick(batch); });
                                                 } catch (const store::StoreError&) {
                                                   // A store that does not answer: they end a little later.
                                                 }
                                               })),
      collector(std::make_unique<base::Repeater>("collector", kCollectEvery, [this] { files.collect(); })) {}

void Services::stop_repeating() {
  indexer.stop();
  collector.reset();
  ringing.reset();
}

}  // namespace simpleim
