#pragma once

#include <mutex>
#include <unordered_set>

#include "cluster/presence_directory.h"

namespace simpleim::cluster::in_process {

/// One node: nothing to share, and nothing that could outlive it.
class InProcessPresenceDirectory final : public PresenceDirectory {
 public:
  void set_online(base::UserId user) override;
  void set_offline(base::UserId user) override;
  std::vector<Presence> lookup(const std::vector<base::UserId>& users) const override;

 private:
  mutable std::mutex mutex_;
  std::unordered_set<base::UserId, base::IdHash> online_;
};

}  // namespace simpleim::cluster::in_process
