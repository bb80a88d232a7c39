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

/// Everything that is kept, in parts (accounts(), messages(), …) whose writes commit together. The commit thread opens
/// a batch, writes through the parts, and commits; one batch is open at a time:
/// ```
/// store.begin();  …writes…  store.commit();   // or store.rollback()
/// ```
/// Writing without a batch is a bug of the caller. commit() returns when everything since begin() is on the disk. When
/// that fails it throws StoreError, nothing of the batch is kept, and the next batch can begin. Reads are allowed on
/// every thread; outside a batch they see what has been committed.
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

  /// All conversations of the user with their state and their end; of groups only those he is a member of. Not inside a
  /// batch.
  virtual std::vector<ListedConversation> listed(UserId user);

  virtual void begin() = 0;
  virtual void commit() = 0;
  /// Undoes the batch; never throws.
  virtual void rollback() = 0;
  /// Marks a point inside a batch; undo_to_mark() takes back what came after it.
  virtual void mark() = 0;
  virtual void undo_to_mark() = 0;

  /// What a batch is going to write to, named before its first write so that the rows can be locked in one order.
  struct Claim {
    std::vector<ConversationId> conversations;
    /// Messages that are going to be appended.
    std::vector<MessageId> messages;
    /// Messages that operations are about; their conversations are claimed, too.
    std::vector<MessageId> targets;
    /// Read and delivered marks that are going to move.
    std::vector<std::pair<UserId, ConversationId>> marks;
  };
  /// Several nodes write to a MySQL at the same time: this waits until no other node is writing to the same
  /// conversations, and keeps them away until the batch ends. Permissions have to be read after it. Returns the
  /// conversations whose members, roles or blocks another node has changed since the last claim, so that what is
  /// remembered of them is forgotten. SQLite has no other writers and returns nothing.
  virtual std::vector<ConversationId> claim(const Claim& claim) = 0;
  /// Where each node writes what its batches changed, for the others to read; null when no other node writes to this
  /// store.
  virtual CommitLog* commit_log() = 0;

  /// Does a piece of the work that commits leave for later (moving messages from the journal to their table, deleting
  /// what is over), in a batch of its own. False when there is nothing left. On the commit thread.
  virtual bool tidy() = 0;
  /// How many committed messages tidy() has not brought to their table yet.
  virtual std::size_t untidy() const = 0;
  /// "" when the backend answers, else what is wrong. Any thread.
  virtual std::string health() = 0;
};

}  // namespace simpleim::store
