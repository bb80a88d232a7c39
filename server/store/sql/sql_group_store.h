#pragma once

#include "store/group_store.h"
#include "store/sql/database.h"

namespace simpleim::store::sql {

class SqlGroupStore : public GroupStore {
 public:
  explicit SqlGroupStore(Database& db) : db_(db) {}

  std::optional<Group> group(GroupId id) override;
  std::vector<Group> groups_of(UserId user) override;
  std::vector<Membership> memberships_of(UserId user) override;
  Restriction restriction(GroupId group, UserId user) override;
  void set_restriction(GroupId group, UserId user, const Restriction& restriction) override;
  std::optional<GroupMember> member(GroupId group, UserId user) override;
  std::vector<GroupMember> members(GroupId group, UserId after, std::size_t limit) override;
  std::size_t owned_by(UserId user) override;
  void create_group(const Group& group) override;
  void update_group(const Group& group) override;
  void dissolve_group(GroupId id) override;
  void put_member(const GroupMember& member) override;
  void remove_member(GroupId group, UserId user) override;
  std::vector<UserId> join_requests(GroupId group, std::size_t limit) override;
  bool has_join_request(GroupId group, UserId user) override;
  void set_join_request(GroupId group, UserId user, bool open, std::int64_t when) override;

 private:
  Database& db_;
};

}  // namespace simpleim::store::sql
