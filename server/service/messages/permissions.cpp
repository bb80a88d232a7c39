#include "service/messages/permissions.h"

namespace simpleim::service {

const Permissions::Private& Permissions::load_private(ConversationId conversation) {
  if (const auto found = private_.find(conversation); found != private_.end()) return found->second;
  if (private_.size() >= kMaxEntries) private_.clear();
  auto& accounts = store_.accounts();
  const UserId low{conversation.low};
  const UserId high{conversation.high};
  Private entry;
  entry.both_exist = accounts.user(low).has_value() && accounts.user(high).has_value();
  entry.low_blocks_high = entry.both_exist && accounts.has_blocked(low, high);
  entry.high_blocks_low = entry.both_exist && accounts.has_blocked(high, low);
  // Unknown users are not remembered: they may be created by another node, and guesses must not
  // fill the cache.
  if (!entry.both_exist) {
    static const Private kUnknown;
    return kUnknown;
  }
  read_since_mark_.emplace_back(conversation, UserId{});
  return private_.emplace(conversation, entry).first->second;
}

Permissions::Member Permissions::load_member(GroupId group, UserId user) {
  if (const auto of_group = members_.find(group); of_group != members_.end())
    if (const auto found = of_group->second.find(user); found != of_group->second.end()) return found->second;
  if (member_count_ >= kMaxEntries) {
    members_.clear();
    member_count_ = 0;
  }
  Member entry;
  if (const auto member = store_.groups().member(group, user)) {
    entry.group_exists = entry.member = true;
    entry.role = member->role;
    entry.muted_until = member->muted_until;
    members_[group].emplace(user, entry);
    ++member_count_;
    read_since_mark_.emplace_back(ConversationId::of(group), user);
    return entry;
  }
  const auto found = store_.groups().group(group);
  entry.group_exists = found.has_value();
  entry.hidden = found && found->join_policy == store::JoinPolicy::kInvite;
  return entry;
}

std::optional<Error> Permissions::may_send(UserId from, ConversationId conversation, bool mention_all,
                                           std::int64_t now_ms) {
  if (!conversation.is_group()) {
    const auto& entry = load_private(conversation);
    if (!entry.both_exist) return Error{ErrorCode::kNotFound, "to: no such user", "to"};
    const bool from_is_low = conversation.low == from.value;
    if (conversation.low != conversation.high && (from_is_low ? entry.high_blocks_low : entry.low_blocks_high))
      return Error{ErrorCode::kBlocked, "this user does not take messages from you"};
    return std::nullopt;
  }
  const auto member = load_member(conversation.group(), from);
  if (!member.group_exists || (!member.member && member.hidden))
    return Error{ErrorCode::kNotFound, "group_id: no such group", "group_id"};
  if (!member.member) return Error{ErrorCode::kNotMember, "you are not a member of this group; join it first"};
  if (member.muted_until > now_ms)
    return Error{ErrorCode::kMuted, "you are muted in this group for now", "", member.muted_until - now_ms};
  if (mention_all && member.role == store::Role::kMember)
    return Error{ErrorCode::kRoleForbidden, "content.at_user_ids: only the owner and admins may mention everyone",
                 "content.at_user_ids"};
  return std::nullopt;
}

std::optional<store::Role> Permissions::role_in(GroupId group, UserId user) {
  const auto member = load_member(group, user);
  if (!member.member) return std::nullopt;
  return member.role;
}

void Permissions::forget(ConversationId conversation) {
  if (!conversation.is_group()) return forget_private(conversation);
  const auto found = members_.find(conversation.group());
  if (found == members_.end()) return;
  member_count_ -= found->second.size();
  members_.erase(found);
}

void Permissions::forget_member(GroupId group, UserId user) {
  const auto found = members_.find(group);
  if (found == members_.end()) return;
  member_count_ -= found->second.erase(user);
  if (found->second.empty()) members_.erase(found);
}

void Permissions::mark() { read_since_mark_.clear(); }

void Permissions::undo_to_mark() {
  for (const auto& [conversation, user] : read_since_mark_) {
    if (conversation.is_group()) forget_member(conversation.group(), user);
    else forget_private(conversation);
  }
  read_since_mark_.clear();
}

void Permissions::forget_all() {
  private_.clear();
  members_.clear();
  member_count_ = 0;
  read_since_mark_.clear();
}

}  // namespace simpleim::service
