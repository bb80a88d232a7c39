#pragma once

#include "service/commit/commit_loop.h"

namespace simpleim::service {

/// A group as one user may see it.
struct GroupView {
  store::Group group;
  /// Nothing for a stranger.
  std::optional<store::GroupMember> me;
};

struct MemberView {
  store::GroupMember member;
  std::string nickname;
  std::string username;
  std::string avatar_file_id;
};

/// Groups and who is in them. Every change is one batch: the change, and a stored type 3 message
/// that tells of it. All calls block; thread-safe.
///
/// A group with join policy "invite" does not exist for strangers (kNotFound); others may be seen by
/// their id, but not into (kNotMember).
class Groups {
 public:
  struct Options {
    std::size_t max_members = 0;
    std::size_t max_owned = 0;
    /// Newcomers of a new group see what was said before; its admins may change that.
    bool history_for_all = false;
  };
  /// Users that one call may name.
  static constexpr std::size_t kMaxTargets = 1000;
  /// Messages of a private conversation, the newest, that are looked at for who wrote to whom.
  static constexpr std::size_t kContactMessages = 200;

  Groups(store::Store& store, CommitLoop& commits, base::IdMaker& ids, Options options)
      : store_(store), commits_(commits), ids_(ids), options_(options) {}

  Result<GroupView> create(UserId me, std::string_view name, std::string_view description, std::vector<UserId> members);
  Result<GroupView> view(UserId me, GroupId group);
  std::vector<GroupView> mine(UserId me);

  enum class Joined { kJoined, kRequested };
  /// Open groups: in. With approval: asked. Being in already is success.
  Result<Joined> join(UserId me, GroupId group);
  Result<void> leave(UserId me, GroupId group);

  struct MemberPage {
    std::vector<MemberView> members;
    /// 0 when this was the last page.
    UserId next;
  };
  Result<MemberPage> members(UserId me, GroupId group, UserId after, std::size_t limit);
  Result<std::vector<store::User>> join_requests(UserId me, GroupId group);

  struct Change {
    std::optional<std::string> name;
    std::optional<std::string> description;
    std::optional<std::string> announcement;
    /// A picture of whoever changes it, or "".
    std::optional<std::string> avatar_file_id;
    std::optional<store::JoinPolicy> join_policy;
    std::optional<bool> history_for_all;
  };
  Result<GroupView> update(UserId me, GroupId group, const Change& change);
  /// Members of an open group may invite; otherwise admins. Approves requests to join, too. Returns
  /// who is new.
  Result<std::vector<UserId>> invite(UserId me, GroupId group, std::vector<UserId> users);
  Result<void> kick(UserId me, GroupId group, UserId user);

  struct MemberChange {
    std::optional<store::Role> role;
    std::optional<std::int64_t> muted_until;
    std::optional<std::string> nickname;
  };
  Result<MemberView> update_member(UserId me, GroupId group, UserId user, const MemberChange& change);
  Result<void> transfer(UserId me, GroupId group, UserId user);
  Result<void> dissolve(UserId me, GroupId group);

 private:
  /// The group and the caller's membership, inside a batch.
  struct Access {
    store::Group group;
    store::GroupMember me;
  };
  /// Runs a task that changes the group, alone at it.
  template <class T>
  Result<T> run_in(GroupId group, std::function<Result<T>(Batch&)> task) {
    return commits_.run<T>([&](Batch& batch) -> Result<T> {
      batch.claim(ConversationId::of(group));
      return task(batch);
    });
  }
  Result<Access> require(store::Store& store, UserId me, GroupId group, store::Role least);
  bool may_be_added(Batch& batch, UserId user, UserId by);
  /// Adds who exists and is not in yet; emits and stores the event. Returns who is new.
  Result<std::vector<UserId>> add_members(Batch& batch, const store::Group& group, UserId by,
                                          const std::vector<UserId>& users, const char* event);
  void remove_member(Batch& batch, GroupId group, UserId by, UserId user, const char* event);
  MemberView member_view(const store::GroupMember& member);

  store::Store& store_;
  CommitLoop& commits_;
  base::IdMaker& ids_;
  const Options options_;
};

const char* to_string(store::JoinPolicy policy);
const char* to_string(store::Role role);

}  // namespace simpleim::service
