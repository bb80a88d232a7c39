#pragma once

#include <string>
#include <string_view>

#include "store/sqlite/database.h"

namespace simpleim::store::sqlite {

/// Which message ids cannot be in `message_key`, without looking there: those between the greatest id up to now and the
/// least id behind it, by the time in time-ordered ids (UUIDv7). What is far off (a clock ahead, random ids, all of f)
/// costs its own sender a look and nobody else. On the commit thread, inside batches.
class ArchivedIds {
 public:
  /// The gap that holds now. Two steps through the index.
  void open_gap(Database& db, std::int64_t now_ms);
  /// `packed`: of sql::PackedId. False: it is not there. True: it may be. `now_ms`: of the message that has this id.
  bool may_hold(Database& db, std::string_view packed, std::int64_t now_ms);
  /// It is there from now on.
  void add(std::string_view packed);

 private:
  /// Ids of this moment and before are less.
  std::string split_;
  std::string greatest_before_;
  /// Empty: none.
  std::string least_behind_;
  std::int64_t opened_ms_ = 0;
};

}  // namespace simpleim::store::sqlite
