#include "cluster/in_process/presence_directory.h"

namespace simpleim::cluster::in_process {

void InProcessPresenceDirectory::set_online(base::UserId user) {
  const std::lock_guard lock(mutex_);
  online_.insert(user);
}

void InProcessPresenceDirectory::set_offline(base::UserId user) {
  const std::lock_guard lock(mutex_);
  online_.erase(user);
}

std::vector<Presence> InProcessPresenceDirectory::lookup(const std::vector<base::UserId>& users) const {
  std::vector<Presence> found;
  found.reserve(users.size());
  const std::lock_guard lock(mutex_);
  for (const auto user : users) found.push_back({user, online_.contains(user)});
  return found;
}

}  // namespace simpleim::cluster::in_process
