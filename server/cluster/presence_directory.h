#pragma once

#include <string>
#include <vector>

#include "base/ids.h"

namespace simpleim::cluster {

struct Presence {
  base::UserId user;
  bool online = false;
};

/// Who is online on which node. Entries of a node that stops refreshing expire, so a crashed node's
/// users go offline by themselves. Thread-safe.
class PresenceDirectory {
 public:
  virtual ~PresenceDirectory() = default;

  virtual void set_online(base::UserId user) = 0;
  /// The user's last device on this node is gone.
  virtual void set_offline(base::UserId user) = 0;
  /// To be called at least every 20 s, else this node's users expire after 60 s.
  virtual void refresh() = 0;
  /// Online on any node; in the order asked.
  virtual std::vector<Presence> lookup(const std::vector<base::UserId>& users) const = 0;
};

}  // namespace simpleim::cluster
