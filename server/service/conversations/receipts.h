#pragma once

#include "store/store.h"

namespace simpleim::service {

using base::ConversationId;
using base::MessageId;
using base::UserId;
using protocol::Result;

/// Who has read what: derived from the read marks, never counted along. A member counts for the
/// messages he may see, the sender of a message never counts for it. Blocks on the store; thread-safe.
class Receipts {
 public:
  explicit Receipts(store::Store& store) : store_(store) {}

  struct Count {
    std::int64_t seq = 0;
    std::int64_t read = 0;
    std::int64_t unread = 0;
  };
  /// For the caller's own messages at `seqs`. kNotFound for whoever is not in the conversation.
  Result<std::vector<Count>> counts(UserId me, ConversationId conversation, const std::vector<std::int64_t>& seqs);

  struct Page {
    Count count;
    std::vector<store::User> users;
    /// 0 when this was the last page.
    UserId next;
  };
  /// The readers of a message, or those who have not read it, in order of their user id from after
  /// `after`. kNotFound when the caller may not see the message.
  Result<Page> of(UserId me, const MessageId& message, bool readers, UserId after, std::size_t limit);

 private:
  /// The marks of everyone in it; nothing when `me` is not.
  std::optional<std::vector<store::ReadMark>> marks(UserId me, ConversationId conversation);

  store::Store& store_;
};

}  // namespace simpleim::service
