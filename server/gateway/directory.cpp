#include "gateway/directory.h"

#include <algorithm>

namespace simpleim::gateway {

Directory::Added Directory::add(UserId user, Connection connection, bool hidden) {
  const std::lock_guard lock(mutex_);
  auto& entry = users_[user];
  if (!entry.shared) entry.shared = std::make_shared<User>();
  Added added;
  added.user = entry.shared;
  const bool came_online = entry.connections.empty();
  auto& all = entry.connections;
  const auto drop = [&](std::vector<Connection>::iterator i) {
    added.replaced.push_back(i->origin);
    --connections_;
    return all.erase(i);
  };
  for (auto i = all.begin(); i != all.end();)
    i = options_.single_device || i->device_id == connection.device_id ? drop(i) : std::next(i);
  while (all.size() >= options_.max_devices) drop(all.begin());
  all.push_back(std::move(connection));
  ++connections_;
  user_count_ = users_.size();
  const bool was_shown = !came_online && !entry.hidden;
  entry.hidden = hidden;
  if (was_shown != !hidden) presence_changed_(user, !hidden);
  return added;
}

void Directory::set_hidden(UserId user, bool hidden) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  if (found == users_.end() || found->second.hidden == hidden) return;
  found->second.hidden = hidden;
  presence_changed_(user, !hidden);
}

void Directory::remove(UserId user, Origin origin) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  if (found == users_.end()) return;
  auto& all = found->second.connections;
  const auto gone = std::erase_if(all, [&](const Connection& c) { return c.origin.connection == origin.connection; });
  connections_ -= gone;
  if (!all.empty()) return;
  const bool was_shown = !found->second.hidden;
  users_.erase(found);
  user_count_ = users_.size();
  if (was_shown) presence_changed_(user, false);
}

std::vector<Origin> Directory::replaced_by(UserId user, std::string_view device_id, std::int64_t opened_ms) const {
  const std::lock_guard lock(mutex_);
  std::vector<Origin> origins;
  const auto found = users_.find(user);
  if (found == users_.end()) return origins;
  for (const auto& connection : found->second.connections)
    if (connection.opened_ms < opened_ms && (options_.single_device || connection.device_id == device_id))
      origins.push_back(connection.origin);
  return origins;
}

std::vector<Origin> Directory::connections_of(UserId user, SessionId session) const {
  const std::lock_guard lock(mutex_);
  std::vector<Origin> origins;
  const auto found = users_.find(user);
  if (found == users_.end()) return origins;
  for (const auto& connection : found->second.connections)
    if (connection.session == session) origins.push_back(connection.origin);
  return origins;
}

}  // namespace simpleim::gateway
