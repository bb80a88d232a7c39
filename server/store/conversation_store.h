#pragma once

#include "store/records.h"

namespace simpleim::store {

/// What each user has in his conversation list. A conversation enters a list with its first message
/// or by joining its group, and leaves it by leaving the group.
/// Threads, durability and failures as in AccountStore.
class ConversationStore {
 public:
  virtual ~ConversationStore() = default;

  virtual std::vector<ConversationState> states_of(UserId user) = 0;
  virtual std::optional<ConversationState> state(UserId user, ConversationId conversation) = 0;

  /// Enters the conversation into the list, if it is not there, with this read and delivered seq.
  virtual void open(UserId user, ConversationId conversation, std::int64_t seq) = 0;
  virtual void remove(UserId user, ConversationId conversation) = 0;
  /// Moves a mark forward, never back. True when it moved.
  virtual bool advance_read(UserId user, ConversationId conversation, std::int64_t seq) = 0;
  virtual bool advance_delivered(UserId user, ConversationId conversation, std::int64_t seq) = 0;
  /// Of every member of the group.
  virtual std::vector<ReadMark> read_marks(GroupId group) = 0;
  /// Writes pinned, muted, archived and draft.
  virtual void update(UserId user, const ConversationState& state) = 0;
};

}  // namespace simpleim::store
