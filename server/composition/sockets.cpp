#include "composition/sockets.h"

namespace simpleim {
namespace {

gateway::Directory::Options directory_options(const base::Config& config) {
  return {config.session.policy == "single", static_cast<std::size_t>(config.session.max_devices)};
}

protocol::FrameLimits frame_limits(const base::Config& config) {
  protocol::FrameLimits limits;
  limits.content_bytes = static_cast<std::size_t>(config.limits.content_bytes);
  limits.text_code_points = static_cast<std::size_t>(config.limits.text_code_points);
  return limits;
}

}  // namespace

Sockets::Sockets(const base::Config& config, Foundations& on, Stores& stores, Threads& threads, service::Calls& calls,
                 service::Conversations& conversations,
                 std::function<void(const std::vector<service::ConversationId>&)> note_moved)
    : directory(directory_options(config)),
      link(stores.bus->alone() && stores.main.commit_log() == nullptr
               ? nullptr
               : std::make_unique<gateway::ClusterLink>(gateway::ClusterLink::Ports{
                     *stores.bus, stores.main, *stores.presence, threads.requests, on.clock, config.server.node_id,
                     threads.io.size(), std::move(note_moved), !config.search.url.empty()})),
      context{.store = stores.main,
              .calls = &calls,
              .conversations = conversations,
              .presence = *stores.presence,
              .workers = threads.requests,
              .ids = on.ids,
              .random = on.random,
              .clock = on.clock,
              .metrics = on.metrics,
              .directory = directory,
              .link = link.get(),
              .frame_limits = frame_limits(config),
              .messages_per_second = config.limits.messages_per_second,
              .message_burst = config.limits.message_burst,
              .sync_push_limit = static_cast<std::size_t>(config.message.sync_push_limit)},
      gateway(threads.io_list, context, gateway::Gateway::Options{config.security.allowed_origins}) {}

}  // namespace simpleim
