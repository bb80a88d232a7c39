#pragma once

#include "store/search_index.h"
#include "store/sqlite/connection.h"

namespace simpleim::store::sqlite {

/// One search, era by era, the newest first; it stops when no older era can have a newer hit. It looks through an era,
/// or several, at once when few documents there have the words, and asks each place otherwise.
class SearchLookup {
 public:
  SearchLookup(sql::Connection& db, const std::vector<SearchPlace>& places, const std::vector<base::SearchTerm>& terms,
               const SearchFilter& filter, const std::optional<SearchHit>& after, std::size_t limit);
  /// SearchIndex::find().
  std::vector<SearchHit> run();

 private:
  struct Era {
    std::int64_t id = 0;
    std::int64_t first_stretch = 0;
    /// The first of the next era; the documents of this one lie before it.
    std::int64_t end_stretch = 0;
    std::int64_t oldest = 0;
    std::int64_t newest = 0;
  };
  /// What a place has in an era, read from the newest on.
  struct Source {
    const SearchPlace* place = nullptr;
    /// Rows to look at lie in [low, high].
    std::int64_t low = 0;
    std::int64_t high = 0;
    /// Known rows, the newest first; without them the index is asked.
    bool is_listed = false;
    std::vector<std::int64_t> rows;
    std::size_t next_row = 0;
    /// What was found and not taken; its first is the newest.
    std::vector<SearchHit> found;
    std::size_t next_found = 0;
    std::size_t few = 1;
    bool is_done = false;
  };

  std::vector<Era> eras();
  bool can_matter(const Era& era) const;
  /// The sources of the eras [first, first + count), newest first; nothing when too many rows have the words.
  std::optional<std::vector<Source>> listed(const std::vector<Era>& eras, std::size_t first, std::size_t count);
  std::vector<Source> asked(const Era& era);
  std::optional<Source> source(const SearchPlace& place, std::int64_t stretch);
  /// The last row of [low, high] that is not newer; low - 1 when there is none.
  std::int64_t last_row_until(std::int64_t timestamp, std::int64_t low, std::int64_t high);
  void merge(std::vector<Source>& sources);
  /// The newest hit that was not taken.
  std::optional<SearchHit> peek(Source& source);
  std::optional<SearchHit> next_listed(Source& source);
  void ask(Source& source);

  sql::Connection& db_;
  /// By conversation.
  const std::vector<SearchPlace>& places_;
  const std::vector<base::SearchTerm>& terms_;
  const SearchFilter& filter_;
  const std::optional<SearchHit>& after_;
  const std::size_t limit_;
  /// A text that has what FTS5 is asked for has the terms.
  bool is_exact_ = true;
  const std::string expression_;
  std::vector<SearchHit> hits_;
};

}  // namespace simpleim::store::sqlite
