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
  /// Of what was said at `not_after` itself, only what has a smaller seq; 0: all.
  std::int64_t before_seq = 0;
};

struct SearchHit {
  ConversationId conversation;
  std::int64_t seq = 0;
  std::int64_t timestamp = 0;
};

/// Finds messages by what they say. It follows the messages: it may be behind them, and it can be made anew from them.
/// update() and clear(): one thread at a time; the rest: any thread. A failing backend throws StoreError.
class SearchIndex {
 public:
  virtual ~SearchIndex() = default;

  /// 0 when nothing of the conversation is in the index.
  virtual std::int64_t indexed_to(ConversationId conversation) = 0;
  /// All of it or nothing.
  virtual void update(const std::vector<SearchUpdate>& updates) = 0;
  /// Messages of the conversation that have all the terms, newest first; first_seq <= seq.
  virtual std::vector<SearchHit> find(ConversationId conversation, const std::vector<base::SearchTerm>& terms,
                                      const SearchFilter& filter, std::int64_t first_seq, std::size_t limit) = 0;
  /// Work that can wait and makes find() faster; false when there is none.
  virtual bool tidy() = 0;
  virtual void clear() = 0;
};

}  // namespace simpleim::store
