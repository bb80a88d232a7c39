#include "gateway/directory.h"

#include <algorithm>

namespace simpleim::gateway {

Directory::Added Directory::add(UserId user, Connection connection) {
  const std::lock_guard lock(mutex_);
  auto& entry = users_[user];
  if (!entry.shared) entry.shared = std::make_shared<User>();
  Added added;
  added.user = entry.shared;
  added.came_online = entry.connections.empty();
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
  return added;
}

bool Directory::remove(UserId user, Origin origin) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  if (found == users_.end()) return false;
  auto& all = found->second.connections;
  const auto gone = std::erase_if(all, [&](const Connection& c) { return c.origin.connection == origin.connection; });
  connections_ -= gone;
  if (!all.empty()) return false;
  users_.erase(found);
  return gone > 0;
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

std::size_t Directory::users() const {
  const std::lock_guard lock(mutex_);
  return users_.size();
}

std::size_t Directory::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

}  // namespace simpleim::gateway
