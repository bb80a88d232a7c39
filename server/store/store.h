#pragma once

#include <stdexcept>
#include <string>

#include "store/account_store.h"
#include "store/call_store.h"
#include "store/commit_log.h"
#include "store/conversation_store.h"
#include "store/file_index.h"
#include "store/group_store.h"
#include "store/message_store.h"
#include "store/report_store.h"

namespace simpleim::store {

/// The backend failed: kStorageFull, kUnavailable or kInternal. Nothing of the batch is durable.
class StoreError : public std::runtime_error {
 public:
  StoreError(ErrorCode code, const std::string& what, bool is_conflict = false)
      : std::runtime_error(what), code_(code), is_conflict_(is_conflict) {}
  ErrorCode code() const { return code_; }
  /// Another writer of the same data was in the way: the same batch may succeed now.
  bool is_conflict() const { return is_conflict_; }
  Error as_error() const;

 private:
  ErrorCode code_;
  bool is_conflict_;
};

/// A conversation of a user's list that he may read, with where it ends.
struct ListedConversation {
  ConversationState state;
  /// The first seq the user may see; at least 1.
  std::int64_t visible_from = 1;
  ConversationTail tail;
};

/// A set of stores whose writes commit together. One thread at a time has a batch open:
/// ```
/// store.begin();  …writes…  store.commit();   // or store.rollback()
/// ```
/// Writes outside a batch are a bug. commit() returns when everything since begin() is on the disk,
/// and throws StoreError when it is not; then none of it is, and the stores can be used again.
class Store {
 public:
  virtual ~Store() = default;

  virtual AccountStore& accounts() = 0;
  virtual GroupStore& groups() = 0;
  virtual MessageStore& messages() = 0;
  virtual ConversationStore& conversations() = 0;
  virtual FileIndex& files() = 0;
  virtual ReportStore& reports() = 0;
  virtual CallStore& calls() = 0;

  /// The user's whole list, without groups he is no member of. Outside batches.
  virtual std::vector<ListedConversation> listed(UserId user);

  virtual void begin() = 0;
  virtual void commit() = 0;
  /// Undoes the batch; never throws.
  virtual void rollback() = 0;
  /// Marks a point inside a batch; undo_to_mark() takes back what came after it.
  virtual void mark() = 0;
  virtual void undo_to_mark() = 0;

  /// What a batch is going to write to. A store that others write to as well makes them wait here, in one order for
  /// everybody; whoever reads who may do what reads it after this. Returns the conversations whose members, roles or
  /// blocks others have changed since this store claimed them last.
  struct Claim {
    std::vector<ConversationId> conversations;
    /// Messages that are going to be appended.
    std::vector<MessageId> messages;
    /// Messages that operations are about; their conversations are claimed, too.
    std::vector<MessageId> targets;
    /// Read and delivered marks that are going to move.
    std::vector<std::pair<UserId, ConversationId>> marks;
  };
  virtual std::vector<ConversationId> claim(const Claim& claim) = 0;
  /// Where other writers of this store say what they changed; null: there are none.
  virtual CommitLog* commit_log() = 0;

  /// Work that can wait, in a batch of its own; false when there is none. Same thread as begin().
  virtual bool tidy() = 0;
  /// Committed messages that tidy() has still to bring to their final place.
  virtual std::size_t untidy() const = 0;
  /// "" when the backend answers, else what is wrong. Any thread.
  virtual std::string health() = 0;
};

}  // namespace simpleim::store
