#pragma once

#include <string>
#include <string_view>

#include "service/events/events.h"

namespace simpleim::service {

/// What other nodes must hear of a batch even when the bus loses it: where there are new messages (their text is in the
/// store), who hears which group, whose sessions are over. Marks, typing and the like are not among it; they are told
/// again when the bus is back.
struct Changes {
  struct Stretch {
    ConversationId conversation;
    std::int64_t first_seq = 0;
    std::int64_t last_seq = 0;
  };
  std::vector<Stretch> messages;
  std::vector<MembershipChanged> memberships;
  std::vector<SessionEnded> ended;
};

/// For the commit log; empty when there is nothing to hear of.
std::string encode_changes(const std::vector<Event>& events);
/// What could be read; what a newer node says is skipped.
Changes decode_changes(std::string_view text);

}  // namespace simpleim::service
