#pragma once

#include "store/records.h"

namespace simpleim::store {

/// Groups and their members. Threads, durability and failures as in AccountStore.
class GroupStore {
 public:
  virtual ~GroupStore() = default;

  /// Nothing when the group does not exist or was dissolved.
  virtual std::optional<Group> group(GroupId id) = 0;
  virtual std::vector<Group> groups_of(UserId user) = 0;
  virtual std::vector<Membership> memberships_of(UserId user) = 0;
  virtual std::optional<GroupMember> member(GroupId group, UserId user) = 0;
  /// Members in order of their user id, from after `after`.
  virtual std::vector<GroupMember> members(GroupId group, UserId after, std::size_t limit) = 0;
  virtual std::size_t owned_by(UserId user) = 0;

  virtual void create_group(const Group& group) = 0;
  virtual void update_group(const Group& group) = 0;
  virtual void dissolve_group(GroupId id) = 0;
  /// Adds or replaces the member.
  virtual void put_member(const GroupMember& member) = 0;
  virtual void remove_member(GroupId group, UserId user) = 0;
  /// Outlives membership, not the group.
  virtual Restriction restriction(GroupId group, UserId user) = 0;
  virtual void set_restriction(GroupId group, UserId user, const Restriction& restriction) = 0;

  /// Requests to join a group with approval, oldest first.
  virtual std::vector<UserId> join_requests(GroupId group, std::size_t limit) = 0;
  virtual bool has_join_request(GroupId group, UserId user) = 0;
  virtual void set_join_request(GroupId group, UserId user, bool open, std::int64_t when) = 0;
};

}  // namespace simpleim::store
