#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include "store/sql/row_key.h"
#include "store/sqlite/database.h"
#include "store/sqlite/recent_messages.h"

namespace simpleim::store::sqlite {

/// The integer keys of conversations and where each ends, cached on the batch's thread.
class ConversationIndex final : public sql::ConversationKeys {
 public:
  struct Entry {
    std::int64_t key = 0;
    std::int64_t last_seq = 0;
    std::int64_t last_timestamp = 0;
  };

  ConversationIndex(Database& db, const RecentMessages& recent) : db_(db), recent_(recent) {}

  /// The entry of a conversation, made when there is none. Only inside a batch; valid until the
  /// next call.
  Entry& open(ConversationId conversation);
  std::int64_t key(ConversationId conversation) override { return open(conversation).key; }
  /// Forgets what the undone batch put here.
  void rollback() { entries_.clear(); }

 private:
  /// Past this the cache starts over: 32 bytes an entry plus the table's slack.
  static constexpr std::size_t kMaxEntries = 200'000;

  Database& db_;
  const RecentMessages& recent_;
  boost::unordered_flat_map<ConversationId, Entry, base::IdHash> entries_;
};

}  // namespace simpleim::store::sqlite
