#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include "service/events/events.h"
#include "store/store.h"

namespace simpleim::service {

/// Who may send where, answered on the commit thread inside the batch that stores the message, so
/// that a kick and a message have one order (promise P5). Caches what the store says; whoever
/// changes blocks or members (always in a batch, hence on this thread) says so here.
class Permissions {
 public:
  explicit Permissions(store::Store& store) : store_(store) {}

  /// Nothing when `from` may write to the user or group; `mention_all` asks for more in a group.
  std::optional<Error> may_send(UserId from, ConversationId conversation, bool mention_all, std::int64_t now_ms);

  /// The role of a group's member; nothing for a stranger.
  std::optional<store::Role> role_in(GroupId group, UserId user);

  /// What is known of a private conversation or of all members of a group.
  void forget(ConversationId conversation);
  void forget_private(ConversationId conversation) { private_.erase(conversation); }
  void forget_member(GroupId group, UserId user);
  void forget_all();

  /// A task begins, whose reading is forgotten with undo_to_mark() when it is undone: it may have seen what it wrote.
  void mark();
  void undo_to_mark();

 private:
  struct Private {
    bool both_exist = false;
    bool low_blocks_high = false;
    bool high_blocks_low = false;
  };
  struct Member {
    bool group_exists = false;
    bool hidden = false;
    bool member = false;
    store::Role role = store::Role::kMember;
    std::int64_t muted_until = 0;
  };
  using Members = boost::unordered_flat_map<UserId, Member, base::IdHash>;
  /// Past this a cache starts over.
  static constexpr std::size_t kMaxEntries = 200'000;

  const Private& load_private(ConversationId conversation);
  Member load_member(GroupId group, UserId user);

  store::Store& store_;
  boost::unordered_flat_map<ConversationId, Private, base::IdHash> private_;
  boost::unordered_flat_map<GroupId, Members, base::IdHash> members_;
  /// In all groups.
  std::size_t member_count_ = 0;
  /// Read since mark(): two people's conversations, or a group's with the user.
  std::vector<std::pair<ConversationId, UserId>> read_since_mark_;
};

}  // namespace simpleim::service
