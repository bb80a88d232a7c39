#pragma once

#include "store/store.h"

namespace simpleim::service {

/// Several messages as one, as they are now: whoever gets it sees what was said also when he is not where it was said,
/// and it stays when they are edited or recalled. The server writes it, so nobody can put words into another's mouth.
struct MergedForward {
  /// `{"merged":{"messages":[{from,name,type,timestamp,content}]},"text":…}`, then `extra`, a JSON object. The text has
  /// a line for each message, for clients that know no merged forwards and for search.
  std::string content;
  /// They go where the message goes.
  std::vector<base::FileId> files;
};

/// kNotFound for a message that `from` may not see or that was recalled, kTooLarge for more than a content holds. On
/// the commit thread, inside a batch.
protocol::Result<MergedForward> merge_messages(store::Store& store, const std::vector<base::MessageId>& ids,
                                               std::string_view extra, base::UserId from);

/// It is one; what others said in it cannot be edited.
bool is_merged_forward(std::string_view content);

}  // namespace simpleim::service
