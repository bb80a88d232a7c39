#include "store/sqlite/archived_ids.h"

#include "store/sql/packed_id.h"

namespace simpleim::store::sqlite {
namespace {

/// The gap moves with the time, but not for each id.
constexpr std::int64_t kReopenMs = 10;

/// Less than every packed UUIDv7 made behind this moment, greater than those before (RFC 9562 section 5.7).
std::string prefix_behind(std::int64_t now_ms) {
  std::string packed(sql::PackedId("00000000-0000-0000-0000-000000000000").view().substr(0, 1));
  for (int shift = 40; shift >= 0; shift -= 8) packed += static_cast<char>((now_ms + 1) >> shift & 0xff);
  return packed;
}

}  // namespace

void ArchivedIds::open_gap(Database& db, std::int64_t now_ms) {
  split_ = prefix_behind(now_ms);
  opened_ms_ = now_ms;
  const auto first = [&](const char* sql) {
    auto query = db.write().query(sql);
    return query.bind_blob(split_).step() ? std::string(query.bytes()) : std::string();
  };
  greatest_before_ = first("SELECT message_id FROM message_key WHERE message_id < ? ORDER BY message_id DESC LIMIT 1");
  least_behind_ = first("SELECT message_id FROM message_key WHERE message_id >= ? ORDER BY message_id LIMIT 1");
}

bool ArchivedIds::may_hold(Database& db, std::string_view packed, std::int64_t now_ms) {
  const auto in_gap = [&] { return packed > greatest_before_ && (least_behind_.empty() || packed < least_behind_); };
  if (in_gap()) return false;
  // What lay ahead when the gap was opened may lie in the past by now, with this id beside it.
  const bool moves = packed >= split_ && now_ms >= opened_ms_ + kReopenMs && packed < prefix_behind(now_ms);
  if (!moves) return true;
  open_gap(db, now_ms);
  return !in_gap();
}

void ArchivedIds::add(std::string_view packed) {
  if (packed < split_) {
    if (packed > greatest_before_) greatest_before_ = packed;
  } else if (least_behind_.empty() || packed < least_behind_) {
    least_behind_ = packed;
  }
}

}  // namespace simpleim::store::sqlite
