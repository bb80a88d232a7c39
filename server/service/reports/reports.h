#pragma once

#include "service/commit/commit_loop.h"

namespace simpleim::service {

using store::ReportReason;

std::string_view to_string(ReportReason reason);
std::optional<ReportReason> report_reason(std::string_view text);

/// Messages that a member shows to whoever runs the server (docs/decisions/0013-reports.md). Blocks on the store;
/// thread-safe.
class Reports {
 public:
  Reports(CommitLoop& commits, base::IdMaker& ids) : commits_(commits), ids_(ids) {}

  /// Open reports of one user, at most.
  static constexpr std::int64_t kMaxOpen = 100;
  /// Code points.
  static constexpr std::size_t kMaxNote = 1000;

  /// Keeps a copy of the message as it is now. The same person and message again: the same id, with the new reason,
  /// note and copy. kNotFound when he may not see it, kValidation for his own and for events, kConflict when it is
  /// recalled, kRateLimited when kMaxOpen of his reports are open.
  Result<store::ReportId> report(UserId me, const MessageId& message, ReportReason reason, std::string note);

 private:
  CommitLoop& commits_;
  base::IdMaker& ids_;
};

}  // namespace simpleim::service
