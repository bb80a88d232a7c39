#pragma once

#include "service/events/events.h"
#include "store/search_index.h"
#include "store/store.h"

namespace simpleim::service {

/// Finds messages that a user may see. Blocks on the stores; thread-safe.
class Search {
 public:
  Search(store::Store& store, store::SearchIndex& index) : store_(store), index_(index) {}

  struct Query {
    std::string text;
    /// Absent: all conversations of the user.
    std::optional<ConversationId> conversation;
    store::SearchFilter filter;
  };
  struct Hit {
    Message message;
    /// In code points of what is looked through: the text, or the file's name when the text has none of it.
    std::vector<std::pair<std::size_t, std::size_t>> ranges;
    bool in_file_name = false;
  };
  struct Page {
    std::vector<Hit> hits;
    /// Where the next page goes on.
    std::optional<store::SearchHit> next;
  };
  /// Nothing for a text without a letter, digit or ideograph; kNotFound for a conversation the user is not in.
  Result<Page> find(UserId me, const Query& query, const std::optional<store::SearchHit>& after, std::size_t limit);

 private:
  std::vector<store::SearchPlace> places(UserId me, const Query& query);

  store::Store& store_;
  store::SearchIndex& index_;
};

/// What of a message is looked through; empty for what is not to be found.
std::string searchable_text(const Message& message);

}  // namespace simpleim::service
