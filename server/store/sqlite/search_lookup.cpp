#include "store/sqlite/search_lookup.h"

#include <algorithm>
#include <array>
#include <limits>
#include <queue>

#include "store/sqlite/search_tokenizer.h"

namespace simpleim::store::sqlite {
namespace {

/// The lengths of `prefix` in the schema: only such a beginning is found without merging all words that have it.
constexpr std::array<std::size_t, 5> kPrefixes{10, 8, 6, 4, 3};

/// Asking a place costs about as much as reading so many rows.
constexpr std::size_t kRowsPerPlace = 50;
constexpr std::size_t kLeastRows = 1000;

std::string quoted(const std::string& token) {
  std::string out = "\"";
  for (const char c : token) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

/// The first `characters` characters, or nothing when there are fewer.
std::string beginning(const std::string& token, std::size_t characters) {
  std::size_t end = 0;
  for (std::size_t n = 0; n < characters; ++n) {
    if (end == token.size()) return "";
    ++end;
    while (end < token.size() && (static_cast<unsigned char>(token[end]) & 0xc0) == 0x80) ++end;
  }
  return token.substr(0, end);
}

std::string prefix_query(const std::string& token, bool& is_exact) {
  for (const auto length : kPrefixes) {
    const auto start = beginning(token, length);
    if (start.empty()) continue;
    is_exact = is_exact && start == token;
    return quoted(start) + "*";
  }
  return quoted(token);
}

/// An FTS5 expression that no term can break out of, for texts that may have all terms.
std::string expression(const std::vector<base::SearchTerm>& terms, const SearchFilter& filter, bool& is_exact) {
  std::string out;
  const auto add = [&](const std::string& phrase) { out += (out.empty() ? "" : " AND ") + phrase; };
  is_exact = true;
  for (const auto& term : terms) {
    is_exact = is_exact && term.tokens.size() == 1 && term.tokens.front() == term.text;
    for (const auto& token : term.tokens) add(term.prefix ? prefix_query(token, is_exact) : quoted(token));
  }
  if (filter.from != UserId{}) add(quoted(sender_mark(filter.from)));
  if (filter.type >= 0) add(quoted(type_mark(filter.type)));
  return out;
}

}  // namespace

SearchLookup::SearchLookup(sql::Connection& db, const std::vector<SearchPlace>& places,
                           const std::vector<base::SearchTerm>& terms, const SearchFilter& filter,
                           const std::optional<SearchHit>& after, std::size_t limit)
    : db_(db),
      places_(places),
      terms_(terms),
      filter_(filter),
      after_(after),
      limit_(limit),
      expression_(expression(terms, filter, is_exact_)) {}

std::vector<SearchHit> SearchLookup::run() {
  const auto eras = this->eras();
  std::size_t window = 1;
  for (std::size_t i = 0; i < eras.size();) {
    if (!can_matter(eras[i])) {
      ++i;
      continue;
    }
    window = std::min(window, eras.size() - i);
    auto sources = listed(eras, i, window);
    if (!sources && window > 1) {
      window = 1;
      continue;
    }
    const auto done = window;
    window = sources ? window * 2 : 1;
    if (!sources) sources = asked(eras[i]);
    merge(*sources);
    i += done;
  }
  return std::move(hits_);
}

std::vector<SearchLookup::Era> SearchLookup::eras() {
  std::vector<Era> eras;
  auto query = db_.query("SELECT id, first_stretch, oldest, newest FROM era ORDER BY id DESC");
  auto end = std::int64_t{std::numeric_limits<std::int32_t>::max()};
  while (query.step()) {
    Era era{query.integer(), query.integer(), end, query.integer(), query.integer()};
    end = era.first_stretch;
    eras.push_back(era);
  }
  return eras;
}

bool SearchLookup::can_matter(const Era& era) const {
  if (era.newest < filter_.not_before) return false;
  if (filter_.not_after != 0 && era.oldest > filter_.not_after) return false;
  if (after_ && era.oldest > after_->timestamp) return false;
  return hits_.size() < limit_ || era.newest >= hits_.back().timestamp;
}

std::optional<std::vector<SearchLookup::Source>> SearchLookup::listed(const std::vector<Era>& eras, std::size_t first,
                                                                      std::size_t count) {
  const auto most = std::max(kLeastRows, places_.size() * kRowsPerPlace);
  std::vector<std::int64_t> rows;
  auto query = db_.query(
      "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC LIMIT ?4");
  query.bind(std::string_view(expression_))
      .bind(row_key(eras[first + count - 1].first_stretch, 0))
      .bind(row_key(eras[first].end_stretch, 0) - 1)
      .bind(static_cast<std::int64_t>(most + 1));
  while (query.step()) {
    if (rows.size() == most) return std::nullopt;
    rows.push_back(query.integer());
  }
  std::vector<Source> sources;
  auto place_of = db_.query("SELECT high, low FROM stretch WHERE id=?");
  for (std::size_t begin = 0; begin < rows.size();) {
    const auto stretch = rows[begin] >> 32;
    auto end = begin;
    while (end < rows.size() && rows[end] >> 32 == stretch) ++end;
    if (place_of.again().bind(stretch).step()) {
      ConversationId conversation;
      conversation.high = place_of.id();
      conversation.low = place_of.id();
      const auto place = std::lower_bound(places_.begin(), places_.end(), conversation,
                                          [](const auto& a, const auto& b) { return a.conversation < b; });
      if (place != places_.end() && place->conversation == conversation)
        if (auto found = source(*place, stretch)) {
          found->is_listed = true;
          found->rows.assign(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                             rows.begin() + static_cast<std::ptrdiff_t>(end));
          sources.push_back(std::move(*found));
        }
    }
    begin = end;
  }
  return sources;
}

std::vector<SearchLookup::Source> SearchLookup::asked(const Era& era) {
  std::vector<Source> sources;
  auto query = db_.query("SELECT id FROM stretch WHERE high=? AND low=? AND era=?");
  for (const auto& place : places_) {
    const auto& [conversation, first_seq] = place;
    if (!query.again().bind(conversation.high).bind(conversation.low).bind(era.id).step()) continue;
    if (auto found = source(place, query.integer())) sources.push_back(std::move(*found));
  }
  return sources;
}

std::optional<SearchLookup::Source> SearchLookup::source(const SearchPlace& place, std::int64_t stretch) {
  Source source;
  source.place = &place;
  source.low = row_key(stretch, place.first_seq);
  source.high = row_key(stretch, kSeqMask);
  auto latest = filter_.not_after;
  if (after_) {
    // Of the moment of `after` itself, conversations before its own are done.
    const auto bound = place.conversation < after_->conversation ? after_->timestamp - 1 : after_->timestamp;
    latest = latest == 0 ? bound : std::min(latest, bound);
    if (place.conversation == after_->conversation)
      source.high = std::min(source.high, row_key(stretch, after_->seq - 1));
  }
  if (latest != 0) source.high = last_row_until(latest, source.low, source.high);
  if (source.high < source.low) return std::nullopt;
  return source;
}

std::int64_t SearchLookup::last_row_until(std::int64_t timestamp, std::int64_t low, std::int64_t high) {
  struct Row {
    std::int64_t key;
    std::int64_t timestamp;
  };
  const auto last = [&](std::int64_t until) -> Row {
    auto query = db_.query("SELECT key, timestamp FROM document WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1");
    if (!query.bind(low).bind(until).step()) return {low - 1, 0};
    return {query.integer(), query.integer()};
  };
  const auto end = last(high);
  if (end.timestamp <= timestamp) return end.key;
  // Timestamps never fall within a stretch. Everything after `right` is newer; what is at `left` or before is not.
  auto left = low - 1;
  auto right = end.key;
  while (left < right - 1) {
    const auto middle = left + (right - left) / 2;
    const auto [row, time] = last(middle);
    if (row <= left || time <= timestamp) left = middle;
    else right = row;
  }
  return left;
}

void SearchLookup::merge(std::vector<Source>& sources) {
  using Top = std::pair<SearchHit, Source*>;
  const auto later = [](const Top& a, const Top& b) { return comes_first(b.first, a.first); };
  std::priority_queue<Top, std::vector<Top>, decltype(later)> heap(later);
  for (auto& source : sources)
    if (const auto hit = peek(source)) heap.emplace(*hit, &source);
  while (!heap.empty()) {
    const auto [hit, source] = heap.top();
    heap.pop();
    if (hits_.size() == limit_ && !comes_first(hit, hits_.back())) break;
    hits_.insert(std::upper_bound(hits_.begin(), hits_.end(), hit, comes_first), hit);
    if (hits_.size() > limit_) hits_.pop_back();
    ++source->next_found;
    if (const auto next = peek(*source)) heap.emplace(*next, source);
  }
}

std::optional<SearchHit> SearchLookup::peek(Source& source) {
  if (source.next_found == source.found.size()) {
    source.found.clear();
    source.next_found = 0;
    if (source.is_listed) {
      if (const auto hit = next_listed(source)) source.found.push_back(*hit);
    } else if (!source.is_done) {
      ask(source);
    }
  }
  if (source.next_found == source.found.size()) return std::nullopt;
  const auto& hit = source.found[source.next_found];
  if (hit.timestamp < filter_.not_before) return std::nullopt;
  return hit;
}

std::optional<SearchHit> SearchLookup::next_listed(Source& source) {
  auto query = db_.query("SELECT timestamp, sender_id, type, text FROM document WHERE key=?");
  while (source.next_row < source.rows.size()) {
    const auto row = source.rows[source.next_row++];
    if (row > source.high) continue;
    if (row < source.low) break;
    if (!query.again().bind(row).step()) continue;
    const SearchHit hit{source.place->conversation, row & kSeqMask, query.integer()};
    const UserId from{query.id()};
    const auto type = query.integer();
    if (filter_.from != UserId{} && from != filter_.from) continue;
    if (filter_.type >= 0 && type != filter_.type) continue;
    if (is_exact_ || base::has_terms(query.bytes(), terms_)) return hit;
  }
  return std::nullopt;
}

void SearchLookup::ask(Source& source) {
  auto query = db_.query(
      "SELECT d.key, d.timestamp, d.text FROM words JOIN document d ON d.key=words.rowid WHERE words MATCH ?1 AND "
      "words.rowid BETWEEN ?2 AND ?3 AND (?4=0 OR d.sender_id=?4) AND (?5 < 0 OR d.type=?5) AND d.timestamp >= ?6 "
      "ORDER BY words.rowid DESC");
  query.bind(std::string_view(expression_))
      .bind(source.low)
      .bind(source.high)
      .bind(filter_.from.value)
      .bind(filter_.type)
      .bind(filter_.not_before);
  source.is_done = true;
  while (query.step()) {
    const auto row = query.integer();
    const SearchHit hit{source.place->conversation, row & kSeqMask, query.integer()};
    if (!is_exact_ && !base::has_terms(query.bytes(), terms_)) continue;
    source.found.push_back(hit);
    source.high = row - 1;
    if (source.found.size() < source.few) continue;
    source.is_done = false;
    break;
  }
  source.few *= 2;
}

}  // namespace simpleim::store::sqlite
