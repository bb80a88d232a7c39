#include "store/sql/sql_group_store.h"

namespace simpleim::store::sql {
namespace {

#define GROUP_COLUMNS                                                                                             \
  "g.id, g.name, g.description, g.announcement, g.avatar_file_id, g.join_policy, g.history_for_all, g.owner_id, " \
  "g.created_at, g.member_count"
#define MEMBER_COLUMNS "group_id, user_id, role, nickname, joined_at, joined_seq, muted_until"

Group read_group(Query& q) {
  Group g;
  g.id = GroupId{q.id()};
  g.name = q.text();
  g.description = q.text();
  g.announcement = q.text();
  g.avatar_file_id = q.text();
  g.join_policy = static_cast<JoinPolicy>(q.integer());
  g.history_for_all = q.flag();
  g.owner = UserId{q.id()};
  g.created_at = q.integer();
  g.member_count = q.integer();
  return g;
}

GroupMember read_member(Query& q) {
  GroupMember m;
  m.group = GroupId{q.id()};
  m.user = UserId{q.id()};
  m.role = static_cast<Role>(q.integer());
  m.nickname = q.text();
  m.joined_at = q.integer();
  m.joined_seq = q.integer();
  m.muted_until = q.integer();
  return m;
}

void count_members(Connection& db, GroupId group, int difference) {
  db.query("UPDATE chat_group SET member_count = member_count + ? WHERE id=?").bind(difference).bind(group.value).run();
}

}  // namespace

std::optional<Group> SqlGroupStore::group(GroupId id) {
  auto db = db_.read();
  auto query = db->query("SELECT " GROUP_COLUMNS " FROM chat_group g WHERE g.id=?");
  if (!query.bind(id.value).step()) return std::nullopt;
  return read_group(query);
}

std::vector<Group> SqlGroupStore::groups_of(UserId user) {
  std::vector<Group> found;
  auto db = db_.read();
  auto query = db->query("SELECT " GROUP_COLUMNS
                         " FROM group_member m JOIN chat_group g ON g.id=m.group_id WHERE m.user_id=? ORDER BY g.id");
  query.bind(user.value);
  while (query.step()) found.push_back(read_group(query));
  return found;
}

std::vector<Membership> SqlGroupStore::memberships_of(UserId user) {
  std::vector<Membership> found;
  auto db = db_.read();
  auto query = db->query("SELECT group_id, joined_seq FROM group_member WHERE user_id=?");
  query.bind(user.value);
  while (query.step()) {
    const GroupId group{query.id()};
    found.push_back({group, query.integer()});
  }
  return found;
}

Restriction SqlGroupStore::restriction(GroupId group, UserId user) {
  auto db = db_.read();
  auto query = db->query("SELECT muted_until, removed FROM group_restriction WHERE group_id=? AND user_id=?");
  if (!query.bind(group.value).bind(user.value).step()) return {};
  Restriction found;
  found.muted_until = query.integer();
  found.removed = query.flag();
  return found;
}

void SqlGroupStore::set_restriction(GroupId group, UserId user, const Restriction& restriction) {
  auto& db = db_.write();
  if (restriction == Restriction{})
    db.query("DELETE FROM group_restriction WHERE group_id=? AND user_id=?").bind(group.value).bind(user.value).run();
  else
    db.query("INSERT OR REPLACE INTO group_restriction(group_id, user_id, muted_until, removed) VALUES(?, ?, ?, ?)")
        .bind(group.value)
        .bind(user.value)
        .bind(restriction.muted_until)
        .bind(restriction.removed)
        .run();
}

std::optional<GroupMember> SqlGroupStore::member(GroupId group, UserId user) {
  auto db = db_.read();
  auto query = db->query("SELECT " MEMBER_COLUMNS " FROM group_member WHERE group_id=? AND user_id=?");
  if (!query.bind(group.value).bind(user.value).step()) return std::nullopt;
  return read_member(query);
}

std::vector<GroupMember> SqlGroupStore::members(GroupId group, UserId after, std::size_t limit) {
  std::vector<GroupMember> found;
  auto db = db_.read();
  auto query = db->query("SELECT " MEMBER_COLUMNS
                         " FROM group_member WHERE group_id=? AND user_id > ? ORDER BY user_id LIMIT ?");
  query.bind(group.value).bind(after.value).bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(read_member(query));
  return found;
}

std::size_t SqlGroupStore::owned_by(UserId user) {
  auto db = db_.read();
  auto query = db->query("SELECT count(*) FROM chat_group WHERE owner_id=?");
  return query.bind(user.value).step() ? static_cast<std::size_t>(query.integer()) : 0;
}

void SqlGroupStore::create_group(const Group& g) {
  db_.write()
      .query(
          "INSERT INTO chat_group(id, name, description, announcement, avatar_file_id, join_policy, history_for_all, "
          "owner_id, created_at) "
          "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(g.id.value)
      .bind(std::string_view(g.name))
      .bind(std::string_view(g.description))
      .bind(std::string_view(g.announcement))
      .bind(std::string_view(g.avatar_file_id))
      .bind(static_cast<int>(g.join_policy))
      .bind(g.history_for_all)
      .bind(g.owner.value)
      .bind(g.created_at)
      .run();
}

void SqlGroupStore::update_group(const Group& g) {
  db_.write()
      .query(
          "UPDATE chat_group SET name=?, description=?, announcement=?, avatar_file_id=?, join_policy=?, "
          "history_for_all=?, owner_id=? WHERE id=?")
      .bind(std::string_view(g.name))
      .bind(std::string_view(g.description))
      .bind(std::string_view(g.announcement))
      .bind(std::string_view(g.avatar_file_id))
      .bind(static_cast<int>(g.join_policy))
      .bind(g.history_for_all)
      .bind(g.owner.value)
      .bind(g.id.value)
      .run();
}

void SqlGroupStore::dissolve_group(GroupId id) {
  auto& db = db_.write();
  db.query("DELETE FROM group_member WHERE group_id=?").bind(id.value).run();
  db.query("DELETE FROM join_request WHERE group_id=?").bind(id.value).run();
  db.query("DELETE FROM group_restriction WHERE group_id=?").bind(id.value).run();
  db.query("DELETE FROM chat_group WHERE id=?").bind(id.value).run();
}

void SqlGroupStore::put_member(const GroupMember& m) {
  auto& db = db_.write();
  bool is_new = false;
  {
    auto known = db.query("SELECT 1 FROM group_member WHERE group_id=? AND user_id=?");
    is_new = !known.bind(m.group.value).bind(m.user.value).step();
  }
  db.query("INSERT OR REPLACE INTO group_member(" MEMBER_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?)")
      .bind(m.group.value)
      .bind(m.user.value)
      .bind(static_cast<int>(m.role))
      .bind(std::string_view(m.nickname))
      .bind(m.joined_at)
      .bind(m.joined_seq)
      .bind(m.muted_until)
      .run();
  if (is_new) count_members(db, m.group, 1);
}

void SqlGroupStore::remove_member(GroupId group, UserId user) {
  auto& db = db_.write();
  db.query("DELETE FROM group_member WHERE group_id=? AND user_id=?").bind(group.value).bind(user.value).run();
  if (db.changes() == 1) count_members(db, group, -1);
}

std::vector<UserId> SqlGroupStore::join_requests(GroupId group, std::size_t limit) {
  std::vector<UserId> found;
  auto db = db_.read();
  auto query = db->query("SELECT user_id FROM join_request WHERE group_id=? ORDER BY created_at, user_id LIMIT ?");
  query.bind(group.value).bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(UserId{query.id()});
  return found;
}

bool SqlGroupStore::has_join_request(GroupId group, UserId user) {
  auto db = db_.read();
  auto query = db->query("SELECT 1 FROM join_request WHERE group_id=? AND user_id=?");
  return query.bind(group.value).bind(user.value).step();
}

void SqlGroupStore::set_join_request(GroupId group, UserId user, bool open, std::int64_t when) {
  if (open)
    db_.write()
        .query("INSERT OR IGNORE INTO join_request(group_id, user_id, created_at) VALUES(?, ?, ?)")
        .bind(group.value)
        .bind(user.value)
        .bind(when)
        .run();
  else
    db_.write()
        .query("DELETE FROM join_request WHERE group_id=? AND user_id=?")
        .bind(group.value)
        .bind(user.value)
        .run();
}

}  // namespace simpleim::store::sql
