#include "gateway/topic_index.h"

#include <algorithm>

#include "gateway/cluster_link.h"
#include "gateway/session.h"

namespace simpleim::gateway {

Topic* TopicIndex::find(const TopicKey& key) const {
  const auto found = topics_.find(key);
  return found == topics_.end() ? nullptr : found->second.get();
}

void TopicIndex::subscribe(Session& session, const TopicKey& key, std::int64_t visible_from) {
  auto& topic = topics_[key];
  if (!topic) {
    topic = std::make_unique<Topic>();
    topic->key = key;
    if (link_ != nullptr) link_->open(key);
  }
  auto& mine = session.subscriptions();
  if (std::any_of(mine.begin(), mine.end(), [&](const Subscription& s) { return s.topic == topic.get(); })) return;
  mine.push_back({topic.get(), static_cast<std::uint32_t>(topic->sessions.size()), topic->last_seq, visible_from});
  topic->sessions.push_back(&session);
}

/// The last session of the topic takes the place of the one that leaves.
void TopicIndex::leave(const Subscription& subscription) {
  auto& topic = *subscription.topic;
  auto* last = topic.sessions.back();
  topic.sessions[subscription.position] = last;
  topic.sessions.pop_back();
  for (auto& moved : last->subscriptions())
    if (moved.topic == &topic) moved.position = subscription.position;
  if (!topic.sessions.empty()) return;
  const auto key = topic.key;
  topics_.erase(key);
  if (link_ != nullptr) link_->close(key);
}

void TopicIndex::unsubscribe(Session& session, const TopicKey& key) {
  auto& mine = session.subscriptions();
  const auto found = std::find_if(mine.begin(), mine.end(), [&](const Subscription& s) { return s.topic->key == key; });
  if (found == mine.end()) return;
  const auto gone = *found;
  leave(gone);
  mine.erase(found);
}

void TopicIndex::unsubscribe_all(Session& session) {
  auto& mine = session.subscriptions();
  while (!mine.empty()) {
    leave(mine.back());
    mine.pop_back();
  }
}

void TopicIndex::unsubscribe_kind(Session& session, TopicKey::Kind kind) {
  auto& mine = session.subscriptions();
  for (std::size_t i = mine.size(); i-- > 0;) {
    if (mine[i].topic->key.kind != kind) continue;
    leave(mine[i]);
    mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace simpleim::gateway
