#include "service/groups/groups.h"

#include <algorithm>
#include <functional>

#include "base/json_writer.h"
#include "base/visible_text.h"
#include "service/limits/text_rules.h"
#include "service/messages/file_access.h"

namespace simpleim::service {
namespace {

using base::JsonWriter;
using store::Group;
using store::GroupMember;
using store::Role;

using MoreFields = std::function<void(JsonWriter&)>;

Error role_needed(Role least) {
  return {ErrorCode::kRoleForbidden, std::string("only the ") + (least == Role::kOwner ? "owner" : "owner and admins") +
                                         " of the group may do this"};
}

std::string event_content(const char* event, GroupId group, UserId by, const std::vector<UserId>& targets,
                          const MoreFields& more = {}) {
  std::string json;
  JsonWriter w(json);
  w.begin_object().field("event", event).field("group_id", group.str()).field("operator_id", by.str());
  w.key("target_ids").begin_array();
  for (const auto user : targets) w.value(user.str());
  w.end_array();
  if (more) more(w);
  w.end_object();
  return json;
}

void drop_repeated(std::vector<UserId>& users) {
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
}

}  // namespace

const char* to_string(store::JoinPolicy policy) {
  switch (policy) {
    case store::JoinPolicy::kOpen:
      return "open";
    case store::JoinPolicy::kApproval:
      return "approval";
    case store::JoinPolicy::kInvite:
      return "invite";
  }
  return "open";
}

const char* to_string(Role role) {
  switch (role) {
    case Role::kOwner:
      return "owner";
    case Role::kAdmin:
      return "admin";
    case Role::kMember:
      return "member";
  }
  return "member";
}

Result<Groups::Access> Groups::require(store::Store& store, UserId me, GroupId group, Role least) {
  auto found = store.groups().group(group);
  if (!found) return protocol::not_found();
  auto member = store.groups().member(group, me);
  if (!member) {
    if (found->join_policy == store::JoinPolicy::kInvite) return protocol::not_found();
    return Error{ErrorCode::kNotMember, "you are not a member of this group; join it first"};
  }
  if (member->role < least) return role_needed(least);
  return Access{std::move(*found), std::move(*member)};
}

Result<GroupView> Groups::create(UserId me, std::string_view name, std::string_view description,
                                 std::vector<UserId> members) {
  if (auto error = check_name("name", name, 1, 100)) return *error;
  if (auto error = check_text("description", description, 0, 500, true)) return *error;
  if (members.size() > kMaxTargets)
    return protocol::invalid_field("member_ids", "at most " + std::to_string(kMaxTargets) + " users in one call");
  std::erase(members, me);
  drop_repeated(members);
  return commits_.run<GroupView>([&](Batch& batch) -> Result<GroupView> {
    auto& groups = batch.store().groups();
    if (options_.max_owned != 0 && groups.owned_by(me) >= options_.max_owned)
      return Error{ErrorCode::kRateLimited,
                   "you own " + std::to_string(options_.max_owned) + " groups, the most allowed"};
    if (batch.store().accounts().users(members).size() != members.size())
      return Error{ErrorCode::kNotFound, "member_ids: each must be the id of a user", "member_ids"};
    Group group;
    do group.id = ids_.make<GroupId>();
    while (groups.group(group.id));
    group.name = base::normalized(name);
    group.description = description;
    group.owner = me;
    group.history_for_all = options_.history_for_all;
    group.created_at = batch.now_ms();
    groups.create_group(group);
    GroupMember owner{group.id, me, Role::kOwner, "", group.created_at, 1, 0};
    groups.put_member(owner);
    batch.store().conversations().open(me, ConversationId::of(group.id), 0);
    batch.permissions().forget_member(group.id, me);
    batch.emit(MembershipChanged{group.id, me, true});
    std::erase_if(members, [&](UserId user) { return !may_be_added(batch, user, me); });
    for (const auto user : members) {
      groups.put_member({group.id, user, Role::kMember, "", group.created_at, 1, 0});
      batch.store().conversations().open(user, ConversationId::of(group.id), 0);
      batch.emit(MembershipChanged{group.id, user, true});
    }
    append_event(batch, ids_, group.id,
                 event_content("created", group.id, me, members, [&](JsonWriter& w) { w.field("name", group.name); }));
    return GroupView{*groups.group(group.id), owner};
  });
}

Result<GroupView> Groups::view(UserId me, GroupId group) {
  auto found = store_.groups().group(group);
  if (!found) return protocol::not_found();
  auto member = store_.groups().member(group, me);
  if (!member && found->join_policy == store::JoinPolicy::kInvite) return protocol::not_found();
  if (!member) found->announcement.clear();
  return GroupView{std::move(*found), std::move(member)};
}

std::vector<GroupView> Groups::mine(UserId me) {
  std::vector<GroupView> views;
  for (auto& group : store_.groups().groups_of(me)) {
    auto member = store_.groups().member(group.id, me);
    if (member) views.push_back({std::move(group), std::move(member)});
  }
  return views;
}

/// As the user has decided. Whom he has blocked learns no more from it than anybody who may not.
bool Groups::may_be_added(Batch& batch, UserId user, UserId by) {
  auto& store = batch.store();
  if (user == by) return true;
  if (store.accounts().has_blocked(user, by)) return false;
  const auto found = store.accounts().user(user);
  if (!found || found->invites == store::InviteRule::kNobody) return false;
  if (found->invites == store::InviteRule::kEverybody) return true;
  // A contact is somebody he has lately written to: to be written to makes none.
  const auto page = store.messages().history({ConversationId::between(user, by), 1, 0, -1, kContactMessages});
  return std::any_of(page.messages.begin(), page.messages.end(),
                     [&](const Message& message) { return message.from == user; });
}

Result<std::vector<UserId>> Groups::add_members(Batch& batch, const Group& group, UserId by,
                                                const std::vector<UserId>& users, const char* event) {
  auto& groups = batch.store().groups();
  std::vector<UserId> added;
  for (const auto user : users)
    if (!groups.member(group.id, user)) added.push_back(user);
  if (added.empty()) return added;
  if (static_cast<std::size_t>(group.member_count) + added.size() > options_.max_members)
    return Error{ErrorCode::kConflict,
                 "the group is full: at most " + std::to_string(options_.max_members) + " members"};
  const auto conversation = ConversationId::of(group.id);
  const auto first = batch.events().size();
  for (const auto user : added) batch.emit(MembershipChanged{group.id, user, true});
  const auto seq = append_event(batch, ids_, group.id, event_content(event, group.id, by, added));
  const auto joined_seq = group.history_for_all ? 1 : seq;
  for (std::size_t i = 0; i < added.size(); ++i)
    std::get<MembershipChanged>(batch.events()[first + i]).visible_from = joined_seq;
  for (const auto user : added) {
    // A mute is served to its end, and being let in again is forgiven.
    const auto held = groups.restriction(group.id, user);
    groups.put_member({group.id, user, Role::kMember, "", batch.now_ms(), joined_seq, held.muted_until});
    groups.set_restriction(group.id, user, {});
    groups.set_join_request(group.id, user, false, 0);
    batch.store().conversations().open(user, conversation, seq - 1);
    batch.permissions().forget_member(group.id, user);
  }
  return added;
}

Result<Groups::Joined> Groups::join(UserId me, GroupId group) {
  return run_in<Joined>(group, [&](Batch& batch) -> Result<Joined> {
    auto& groups = batch.store().groups();
    const auto found = groups.group(group);
    if (!found) return protocol::not_found();
    if (groups.member(group, me)) return Joined::kJoined;
    if (found->join_policy == store::JoinPolicy::kInvite) return protocol::not_found();
    // Who was removed does not come back by himself.
    if (found->join_policy == store::JoinPolicy::kApproval || groups.restriction(group, me).removed) {
      groups.set_join_request(group, me, true, batch.now_ms());
      return Joined::kRequested;
    }
    const auto added = add_members(batch, *found, me, {me}, "joined");
    if (!added) return added.error();
    return Joined::kJoined;
  });
}

void Groups::remove_member(Batch& batch, GroupId group, UserId by, UserId user, const char* event) {
  auto& groups = batch.store().groups();
  if (const auto member = groups.member(group, user))
    groups.set_restriction(group, user, {member->muted_until > batch.now_ms() ? member->muted_until : 0, by != user});
  groups.remove_member(group, user);
  batch.store().conversations().remove(user, ConversationId::of(group));
  batch.permissions().forget_member(group, user);
  append_event(batch, ids_, group, event_content(event, group, by, {user}));
  batch.emit(MembershipChanged{group, user, false});
}

Result<void> Groups::leave(UserId me, GroupId group) {
  const auto done = run_in<bool>(group, [&](Batch& batch) -> Result<bool> {
    const auto access = require(batch.store(), me, group, Role::kMember);
    if (!access) return access.error();
    if (access.value().me.role == Role::kOwner)
      return Error{ErrorCode::kRoleForbidden, "the owner cannot leave; transfer the group or dissolve it first"};
    remove_member(batch, group, me, me, "left");
    return true;
  });
  if (!done) return done.error();
  return {};
}

MemberView Groups::member_view(const GroupMember& member) {
  MemberView view{member, member.nickname, "", ""};
  if (const auto user = store_.accounts().user(member.user)) {
    if (view.nickname.empty()) view.nickname = user->nickname;
    view.username = user->username;
    view.avatar_file_id = user->avatar_file_id;
  }
  return view;
}

Result<Groups::MemberPage> Groups::members(UserId me, GroupId group, UserId after, std::size_t limit) {
  const auto access = require(store_, me, group, Role::kMember);
  if (!access) return access.error();
  auto found = store_.groups().members(group, after, limit + 1);
  MemberPage page;
  if (found.size() > limit) {
    found.pop_back();
    page.next = found.back().user;
  }
  for (const auto& member : found) page.members.push_back(member_view(member));
  return page;
}

Result<std::vector<store::User>> Groups::join_requests(UserId me, GroupId group) {
  const auto access = require(store_, me, group, Role::kAdmin);
  if (!access) return access.error();
  return store_.accounts().users(store_.groups().join_requests(group, kMaxTargets));
}

Result<GroupView> Groups::update(UserId me, GroupId group, const Change& change) {
  if (change.name)
    if (auto error = check_name("name", *change.name, 1, 100)) return *error;
  if (change.description)
    if (auto error = check_text("description", *change.description, 0, 500, true)) return *error;
  if (change.announcement)
    if (auto error = check_text("announcement", *change.announcement, 0, 2000, true)) return *error;
  return run_in<GroupView>(group, [&](Batch& batch) -> Result<GroupView> {
    auto access = require(batch.store(), me, group, Role::kAdmin);
    if (!access) return access.error();
    auto& g = access->group;
    const auto before = g;
    if (change.name) g.name = base::normalized(*change.name);
    if (change.description) g.description = *change.description;
    if (change.announcement) g.announcement = *change.announcement;
    if (change.avatar_file_id) {
      if (auto error = change_avatar(batch.store(), g.avatar_file_id, *change.avatar_file_id, me)) return *error;
      g.avatar_file_id = *change.avatar_file_id;
    }
    if (change.join_policy) g.join_policy = *change.join_policy;
    if (change.history_for_all) g.history_for_all = *change.history_for_all;
    batch.store().groups().update_group(g);
    if (g.name != before.name)
      append_event(batch, ids_, group,
                   event_content("renamed", group, me, {}, [&](JsonWriter& w) { w.field("name", g.name); }));
    if (g.announcement != before.announcement)
      append_event(batch, ids_, group, event_content("announcement", group, me, {}, [&](JsonWriter& w) {
                     w.field("announcement", g.announcement);
                   }));
    if (g.description != before.description || g.join_policy != before.join_policy ||
        g.history_for_all != before.history_for_all || g.avatar_file_id != before.avatar_file_id)
      append_event(batch, ids_, group, event_content("updated", group, me, {}, [&](JsonWriter& w) {
                     w.field("description", g.description)
                         .field("avatar_file_id", g.avatar_file_id)
                         .field("join_policy", to_string(g.join_policy))
                         .field("history", g.history_for_all ? "all" : "since_joined");
                   }));
    return GroupView{g, access->me};
  });
}

Result<std::vector<UserId>> Groups::invite(UserId me, GroupId group, std::vector<UserId> users) {
  if (users.empty() || users.size() > kMaxTargets)
    return protocol::invalid_field("user_ids", "1 to " + std::to_string(kMaxTargets) + " users in one call");
  drop_repeated(users);
  return run_in<std::vector<UserId>>(group, [&](Batch& batch) -> Result<std::vector<UserId>> {
    const auto access = require(batch.store(), me, group, Role::kMember);
    if (!access) return access.error();
    const auto& a = access.value();
    if (a.group.join_policy != store::JoinPolicy::kOpen && a.me.role == Role::kMember) return role_needed(Role::kAdmin);
    if (batch.store().accounts().users(users).size() != users.size())
      return Error{ErrorCode::kNotFound, "user_ids: each must be the id of a user", "user_ids"};
    const bool is_admin = a.me.role != Role::kMember;
    std::erase_if(users, [&](UserId user) {
      // Who asked to be let in has decided already.
      if (is_admin && batch.store().groups().has_join_request(group, user)) return false;
      return !may_be_added(batch, user, me) || (!is_admin && batch.store().groups().restriction(group, user).removed);
    });
    return add_members(batch, a.group, me, users, "invited");
  });
}

Result<void> Groups::kick(UserId me, GroupId group, UserId user) {
  const auto done = run_in<bool>(group, [&](Batch& batch) -> Result<bool> {
    const auto access = require(batch.store(), me, group, Role::kAdmin);
    if (!access) return access.error();
    const auto target = batch.store().groups().member(group, user);
    if (!target) return protocol::not_found();
    if (user == me) return protocol::invalid_field("user_id", "you cannot kick yourself; leave the group");
    if (target->role >= access.value().me.role)
      return Error{ErrorCode::kRoleForbidden, "only somebody of a higher role may kick this member"};
    remove_member(batch, group, me, user, "kicked");
    return true;
  });
  if (!done) return done.error();
  return {};
}

Result<MemberView> Groups::update_member(UserId me, GroupId group, UserId user, const MemberChange& change) {
  if (change.nickname)
    if (auto error = check_name("nickname", *change.nickname, 0, 64)) return *error;
  if (change.role && *change.role == Role::kOwner)
    return protocol::invalid_field("role", "admin or member; ownership moves by a transfer");
  const auto changed = run_in<GroupMember>(group, [&](Batch& batch) -> Result<GroupMember> {
    const auto access = require(batch.store(), me, group, Role::kMember);
    if (!access) return access.error();
    const auto my_role = access.value().me.role;
    auto target = batch.store().groups().member(group, user);
    if (!target) return protocol::not_found();
    if (change.role && my_role != Role::kOwner) return role_needed(Role::kOwner);
    if (change.role && user == me) return protocol::invalid_field("role", "the owner's own role changes by a transfer");
    if (change.muted_until && (my_role == Role::kMember || target->role >= my_role))
      return Error{ErrorCode::kRoleForbidden, "only somebody of a higher role may mute this member"};
    if (change.nickname && user != me && (my_role == Role::kMember || target->role >= my_role))
      return Error{ErrorCode::kRoleForbidden,
                   "only the member himself or somebody of a higher role may change this nickname"};
    // A name is told to all members like a message.
    if (change.nickname && user == me && target->muted_until > batch.now_ms())
      return Error{ErrorCode::kMuted, "you are muted in this group for now", "", target->muted_until - batch.now_ms()};
    const auto before = *target;
    if (change.role) target->role = *change.role;
    if (change.muted_until) target->muted_until = *change.muted_until;
    if (change.nickname) target->nickname = base::normalized(*change.nickname);
    batch.store().groups().put_member(*target);
    batch.permissions().forget_member(group, user);
    if (target->role != before.role)
      append_event(batch, ids_, group, event_content("role", group, me, {user}, [&](JsonWriter& w) {
                     w.field("role", to_string(target->role));
                   }));
    if (target->muted_until != before.muted_until)
      append_event(batch, ids_, group, event_content("muted", group, me, {user}, [&](JsonWriter& w) {
                     w.field("muted_until", target->muted_until);
                   }));
    if (target->nickname != before.nickname)
      append_event(batch, ids_, group, event_content("nickname", group, me, {user}, [&](JsonWriter& w) {
                     w.field("nickname", target->nickname);
                   }));
    return std::move(*target);
  });
  if (!changed) return changed.error();
  return member_view(changed.value());
}

Result<void> Groups::transfer(UserId me, GroupId group, UserId user) {
  const auto done = run_in<bool>(group, [&](Batch& batch) -> Result<bool> {
    auto access = require(batch.store(), me, group, Role::kOwner);
    if (!access) return access.error();
    auto target = batch.store().groups().member(group, user);
    if (!target) return protocol::invalid_field("user_id", "must be a member of the group");
    if (user == me) return protocol::invalid_field("user_id", "you own the group already");
    target->role = Role::kOwner;
    target->muted_until = 0;
    access->me.role = Role::kAdmin;
    access->group.owner = user;
    batch.store().groups().put_member(*target);
    batch.store().groups().put_member(access->me);
    batch.store().groups().update_group(access->group);
    batch.permissions().forget_member(group, user);
    batch.permissions().forget_member(group, me);
    append_event(batch, ids_, group, event_content("transferred", group, me, {user}));
    return true;
  });
  if (!done) return done.error();
  return {};
}

Result<void> Groups::dissolve(UserId me, GroupId group) {
  const auto done = run_in<bool>(group, [&](Batch& batch) -> Result<bool> {
    const auto access = require(batch.store(), me, group, Role::kOwner);
    if (!access) return access.error();
    append_event(batch, ids_, group, event_content("dissolved", group, me, {}));
    constexpr std::size_t kPage = 1000;
    for (UserId after;;) {
      const auto page = batch.store().groups().members(group, after, kPage);
      for (const auto& member : page) {
        batch.store().conversations().remove(member.user, ConversationId::of(group));
        batch.permissions().forget_member(group, member.user);
        batch.emit(MembershipChanged{group, member.user, false});
      }
      if (page.size() < kPage) break;
      after = page.back().user;
    }
    (void)change_avatar(batch.store(), access->group.avatar_file_id, "", me);
    batch.store().groups().dissolve_group(group);
    return true;
  });
  if (!done) return done.error();
  return {};
}

}  // namespace simpleim::service
