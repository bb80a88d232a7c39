#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/delivery_batch.h"

/// What nodes tell each other over the bus: what a commit brought, framed once, as every node's sockets get it.
namespace simpleim::gateway {

/// The bus's name for a topic, and back (nothing for a name that is none).
std::string bus_topic(const TopicKey& key);
std::optional<TopicKey> parse_bus_topic(std::string_view name);

struct Publication {
  TopicKey topic;
  std::string payload;
};
/// One publication a topic, in the order of the batch. A private message goes to both people's topics; a session that
/// ended to its user's.
std::vector<Publication> publications_of(const DeliveryBatch& batch, const std::vector<service::SessionEnded>& ended);

/// A user's device connected to a node: an older connection of it anywhere else has to go.
struct Connected {
  service::UserId user;
  std::string device_id;
  std::int64_t opened_ms = 0;
};
Publication publication_of(const Connected& connected);

/// Where a node has stored messages.
std::string moved_payload(const std::vector<service::ConversationId>& conversations);
/// Whole ones, as many as are there.
std::vector<service::ConversationId> parse_moved(std::string_view payload);

struct Received {
  /// For the sockets of the topic's node; nothing in it has an origin.
  std::shared_ptr<DeliveryBatch> batch;
  std::vector<service::SessionEnded> ended;
  std::vector<Connected> connected;
};
/// Nothing when the payload is damaged; what a newer node says is skipped.
std::optional<Received> parse_publication(const TopicKey& topic, std::string_view payload, std::size_t threads);

}  // namespace simpleim::gateway
