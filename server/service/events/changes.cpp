#include "service/events/changes.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/byte_codec.h"

namespace simpleim::service {
namespace {

enum class Kind : std::uint8_t { kMessages = 1, kMembership = 2, kSessionEnded = 3 };

base::EntryWriter begin(std::string& out, Kind kind) { return {out, static_cast<std::uint8_t>(kind)}; }

void read_entry(Kind kind, base::ByteReader& in, Changes& changes) {
  switch (kind) {
    case Kind::kMessages: {
      Changes::Stretch stretch;
      stretch.conversation.low = in.number<std::uint64_t>();
      stretch.conversation.high = in.number<std::uint64_t>();
      stretch.first_seq = in.number<std::int64_t>();
      stretch.last_seq = in.number<std::int64_t>();
      if (in.ok()) changes.messages.push_back(stretch);
      break;
    }
    case Kind::kMembership: {
      const GroupId group{in.number<std::uint64_t>()};
      const UserId user{in.number<std::uint64_t>()};
      const bool member = in.number<std::uint8_t>() != 0;
      if (in.ok()) changes.memberships.push_back({group, user, member});
      break;
    }
    case Kind::kSessionEnded: {
      const UserId user{in.number<std::uint64_t>()};
      const SessionId session{in.number<std::uint64_t>()};
      if (in.ok()) changes.ended.push_back({user, session});
      break;
    }
  }
}

}  // namespace

std::string encode_changes(const std::vector<Event>& events) {
  std::string out;
  // The messages of one conversation are a stretch: nobody else appends to it meanwhile.
  boost::unordered_flat_map<ConversationId, Changes::Stretch, base::IdHash> stretches;
  for (const auto& event : events) {
    if (const auto* stored = std::get_if<MessageStored>(&event)) {
      const auto& m = stored->message;
      auto& stretch =
          stretches.try_emplace(m.conversation, Changes::Stretch{m.conversation, m.seq, m.seq}).first->second;
      stretch.last_seq = m.seq;
    } else if (const auto* changed = std::get_if<MembershipChanged>(&event)) {
      begin(out, Kind::kMembership).number(changed->group.value).number(changed->user.value).number(changed->member);
    } else if (const auto* ended = std::get_if<SessionEnded>(&event)) {
      begin(out, Kind::kSessionEnded).number(ended->user.value).number(ended->session.value);
    }
  }
  for (const auto& [conversation, stretch] : stretches)
    begin(out, Kind::kMessages)
        .number(conversation.low)
        .number(conversation.high)
        .number(stretch.first_seq)
        .number(stretch.last_seq);
  return out;
}

Changes decode_changes(std::string_view text) {
  Changes changes;
  base::ByteReader in(text);
  while (!in.at_end()) {
    auto [kind, body] = base::read_entry(in);
    read_entry(static_cast<Kind>(kind), body, changes);
  }
  return changes;
}

}  // namespace simpleim::service
