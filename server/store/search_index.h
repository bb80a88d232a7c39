#pragma once

#include "base/search_text.h"
#include "store/records.h"

namespace simpleim::store {

/// A message as the index keeps it.
struct SearchDocument {
  std::int64_t seq = 0;
  UserId from;
  protocol::FrameType type = protocol::FrameType::kText;
  std::int64_t timestamp = 0;
  /// What is looked through; empty: the message is to be found no more.
  std::string text;
};

/// What a stretch of a conversation brings to the index.
struct SearchUpdate {
  ConversationId conversation;
  /// In order; a later one replaces an earlier one of the same seq. One with only seq and text changes a text that is
  /// there.
  std::vector<SearchDocument> documents;
  /// Everything up to here is in the index then.
  std::int64_t indexed_to = 0;
};

struct SearchFilter {
  UserId from;
  /// -1: any.
  int type = -1;
  /// ms; 0: no bound. Both inclusive.
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
};

/// Where to look: what the asker may see of a conversation.
struct SearchPlace {
  ConversationId conversation;
  std::int64_t first_seq = 1;
};

struct SearchHit {
  ConversationId conversation;
  std::int64_t seq = 0;
  /// ms. The message's own, but never before that of an earlier one of the conversation: a clock may be set back.
  std::int64_t timestamp = 0;
};

/// The order of hits: newest first; of one moment by conversation, then the later seq first.
inline bool comes_first(const SearchHit& a, const SearchHit& b) {
  if (a.timestamp != b.timestamp) return a.timestamp > b.timestamp;
  if (a.conversation != b.conversation) return a.conversation < b.conversation;
  return a.seq > b.seq;
}

/// Finds messages by what they say. It follows the messages: it may be behind them, and it can be made anew from them.
/// update() and clear(): one thread at a time; the rest: any thread. A failing backend throws StoreError.
class SearchIndex {
 public:
  virtual ~SearchIndex() = default;

  /// Whether it is this process that writes: where several share an index one of them does.
  virtual bool leads() { return true; }
  /// 0 when nothing of the conversation is in the index.
  virtual std::int64_t indexed_to(ConversationId conversation) = 0;
  /// All of it or nothing. At most one update of a conversation.
  virtual void update(const std::vector<SearchUpdate>& updates) = 0;
  /// Messages of the places that have all the terms, by comes_first(), at most `limit`; those that come after `after`.
  virtual std::vector<SearchHit> find(const std::vector<SearchPlace>& places,
                                      const std::vector<base::SearchTerm>& terms, const SearchFilter& filter,
                                      const std::optional<SearchHit>& after, std::size_t limit) = 0;
  /// Work that can wait and makes find() faster; false when there is none.
  virtual bool tidy() = 0;
  virtual void clear() = 0;
};

}  // namespace simpleim::store
