#include "store/sqlite/conversation_index.h"

#include <algorithm>

namespace simpleim::store::sqlite {

ConversationIndex::Entry& ConversationIndex::open(ConversationId conversation) {
  if (const auto found = entries_.find(conversation); found != entries_.end()) return found->second;
  if (entries_.size() >= kMaxEntries) entries_.clear();
  auto& db = db_.write();
  Entry entry;
  {
    auto query = db.query("SELECT id, last_seq, last_timestamp FROM conversation WHERE high=? AND low=?");
    if (query.bind(conversation.high).bind(conversation.low).step()) {
      entry.key = query.integer();
      const auto pending = recent_.end_pending(conversation);
      entry.last_seq = std::max(query.integer(), pending.seq);
      entry.last_timestamp = std::max(query.integer(), pending.timestamp);
    }
  }
  if (entry.key == 0) {
    db.query("INSERT INTO conversation(low, high) VALUES(?, ?)").bind(conversation.low).bind(conversation.high).run();
    entry.key = sqlite3_last_insert_rowid(db.handle());
  }
  return entries_.emplace(conversation, entry).first->second;
}

}  // namespace simpleim::store::sqlite
