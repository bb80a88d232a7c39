#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"

namespace simpleim::gateway {

class ClusterLink;
class Session;

/// What a session can hear: its user's messages, a group's, somebody's presence.
struct TopicKey {
  enum class Kind : std::uint8_t { kUser, kGroup, kPresence };
  Kind kind = Kind::kUser;
  std::uint64_t id = 0;

  static TopicKey of(base::UserId user) { return {Kind::kUser, user.value}; }
  static TopicKey of(base::GroupId group) { return {Kind::kGroup, group.value}; }
  static TopicKey presence_of(base::UserId user) { return {Kind::kPresence, user.value}; }
  bool operator==(const TopicKey&) const = default;
};

struct TopicHash {
  std::size_t operator()(const TopicKey& key) const {
    return base::IdHash()(base::ConversationId{static_cast<std::uint64_t>(key.kind) + 1, key.id});
  }
};

struct Topic {
  TopicKey key;
  std::vector<Session*> sessions;
  /// Groups: the last seq that went out here.
  std::int64_t last_seq = 0;
};

/// A session's place in a topic.
struct Subscription {
  Topic* topic = nullptr;
  std::uint32_t position = 0;
  /// Groups: up to here the client has confirmed, or it was not there yet.
  std::int64_t confirmed_seq = 0;
  /// Groups: the first seq that the user may see.
  std::int64_t visible_from = 1;
};

/// Who hears what, for the sessions of one I/O thread.
class TopicIndex {
 public:
  /// `link` hears of topics that come and go; null: this node is alone.
  explicit TopicIndex(ClusterLink* link) : link_(link) {}

  /// Null when nobody here listens.
  Topic* find(const TopicKey& key) const;
  /// Does nothing when the session is subscribed already.
  void subscribe(Session& session, const TopicKey& key, std::int64_t visible_from = 1);
  void unsubscribe(Session& session, const TopicKey& key);
  void unsubscribe_all(Session& session);
  void unsubscribe_kind(Session& session, TopicKey::Kind kind);

 private:
  void leave(const Subscription& subscription);

  ClusterLink* const link_;
  boost::unordered_flat_map<TopicKey, std::unique_ptr<Topic>, TopicHash> topics_;
};

}  // namespace simpleim::gateway
