#pragma once

#include "service/messages/batch.h"

namespace simpleim::service {

/// How long a message may be changed by its sender, seconds; 0: without end.
struct OperationRules {
  std::int64_t recall_window_s = 0;
  std::int64_t edit_window_s = 0;
};

/// Recall, edit, reaction and pin: changes the target and makes the entry that tells of it, in one batch, so that both
/// are durable or neither is. On the commit thread.
///
/// kNotFound for a message that does not exist, cannot be seen by `from` or was recalled; kWindowPassed; kRoleForbidden
/// for a message of somebody else; kValidation; and what Permissions::may_send says.
class Operations {
 public:
  explicit Operations(OperationRules rules) : rules_(rules) {}

  /// The stored entry, or why not; nothing was written then.
  Result<Message> apply(Batch& batch, const protocol::OperationFrame& frame, UserId from) const;

 private:
  std::optional<Error> check(Batch& batch, const protocol::OperationFrame& frame, const Message& target,
                             UserId from) const;
  std::optional<Error> check_recall(Batch& batch, const Message& target, UserId from) const;
  std::optional<Error> check_edit(Batch& batch, const Message& target, UserId from) const;

  const OperationRules rules_;
};

}  // namespace simpleim::service
