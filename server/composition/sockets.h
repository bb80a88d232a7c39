#pragma once

#include <functional>
#include <memory>

#include "composition/stores.h"
#include "composition/threads.h"
#include "gateway/gateway.h"

namespace simpleim {

/// Signed-in connections, of this node and, through the link, of others.
struct Sockets {
  /// `note_moved` hears which conversations other nodes wrote to.
  Sockets(const base::Config& config, Foundations& on, Stores& stores, Threads& threads, service::Calls& calls,
          service::Conversations& conversations,
          std::function<void(const std::vector<service::ConversationId>&)> note_moved);

  gateway::Directory directory;
  /// Null: this node is alone.
  std::unique_ptr<gateway::ClusterLink> link;
  gateway::GatewayContext context;
  gateway::Gateway gateway;
};

}  // namespace simpleim
