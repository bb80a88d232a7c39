#pragma once

#include <string>
#include <vector>

#include "base/ids.h"

namespace simpleim::cluster {

struct Presence {
  base::UserId user;
  bool online = false;
  /// False: it could not be learnt now whether he is on another node.
  bool known = true;
};

/// Who is online on any node. A node that dies takes its users with it within a minute. Thread-safe.
class PresenceDirectory {
 public:
  virtual ~PresenceDirectory() = default;

  /// Neither waits for others: they are told soon.
  virtual void set_online(base::UserId user) = 0;
  /// The user's last device on this node is gone.
  virtual void set_offline(base::UserId user) = 0;
  /// Online on any node; in the order asked. May wait for other nodes, so never on an I/O thread: a deadline (1 s)
  /// for all of it. What cannot be learnt is offline and not known, it is never an error.
  virtual std::vector<Presence> lookup(const std::vector<base::UserId>& users) const = 0;
};

}  // namespace simpleim::cluster
