#include "service/search.h"

#include <simdjson.h>

#include <algorithm>
#include <tuple>

#include "service/message_reader.h"

namespace simpleim::service {
namespace {

/// A text and a file name in one document; they are not found across the break.
constexpr char kBreak = '\n';

auto newest_first(const store::SearchHit& hit) { return std::tuple(-hit.timestamp, hit.conversation, -hit.seq); }

/// What comes after the cursor in one conversation: of its own moment, conversations before its own are done.
store::SearchFilter narrowed(store::SearchFilter filter, const Search::Cursor& cursor, ConversationId conversation) {
  const bool done = conversation < cursor.conversation;
  const auto latest = done ? cursor.timestamp - 1 : cursor.timestamp;
  if (filter.not_after != 0 && filter.not_after < latest) return filter;
  filter.not_after = latest;
  if (conversation == cursor.conversation) filter.before_seq = cursor.seq;
  return filter;
}

struct Texts {
  std::string text;
  std::string file_name;
};

Texts texts_of(const std::string& content) {
  thread_local simdjson::dom::parser parser;
  Texts texts;
  simdjson::dom::element root;
  if (parser.parse(content).get(root) != simdjson::SUCCESS) return texts;
  const auto read = [&](const char* field, std::string& out) {
    std::string_view value;
    if (root[field].get(value) == simdjson::SUCCESS) out = value;
  };
  read("text", texts.text);
  read("file_name", texts.file_name);
  return texts;
}

}  // namespace

std::string searchable_text(const Message& message) {
  if (!protocol::is_shown(message.type) || message.type == protocol::FrameType::kEvent) return {};
  if (message.amendment.recalled_at != 0) return {};
  auto [text, file_name] = texts_of(message.content);
  if (file_name.empty()) return std::move(text);
  return text + kBreak + file_name;
}

std::vector<Search::Place> Search::places(UserId me, const Query& query) {
  std::vector<Place> found;
  MessageReader reader(store_, me);
  const auto add = [&](ConversationId conversation) {
    const auto from = reader.visible_from(conversation);
    if (from) found.push_back({conversation, *from, store_.messages().tail(conversation).last_timestamp});
  };
  if (query.conversation) add(*query.conversation);
  else
    for (const auto& state : store_.conversations().states_of(me)) add(state.conversation);
  std::sort(found.begin(), found.end(),
            [](const Place& a, const Place& b) { return a.last_timestamp > b.last_timestamp; });
  return found;
}

/// Asks each conversation for a few, the newest conversations first, and only those for more whose few were all needed.
std::vector<store::SearchHit> Search::newest_hits(const std::vector<Place>& places, const store::SearchFilter& filter,
                                                  const std::vector<base::SearchTerm>& terms,
                                                  const std::optional<Cursor>& after, std::size_t wanted) {
  struct Open {
    const Place* place;
    std::int64_t newest;
    std::optional<Cursor> after;
  };
  std::vector<store::SearchHit> hits;
  std::vector<Open> open;
  for (const auto& place : places) open.push_back({&place, place.last_timestamp, after});
  constexpr std::size_t kFew = 2;
  for (auto few = std::max(kFew, wanted / std::max<std::size_t>(1, places.size())); !open.empty(); few *= 2) {
    std::vector<Open> more;
    for (const auto& [place, newest, from] : open) {
      if (hits.size() >= wanted && newest < hits.back().timestamp) continue;
      const auto narrow = from ? narrowed(filter, *from, place->conversation) : filter;
      const auto found = index_.find(place->conversation, terms, narrow, place->visible_from, few);
      hits.insert(hits.end(), found.begin(), found.end());
      std::sort(hits.begin(), hits.end(),
                [](const auto& a, const auto& b) { return newest_first(a) < newest_first(b); });
      if (hits.size() > wanted) hits.resize(wanted);
      if (found.size() < few) continue;
      const auto& last = found.back();
      more.push_back({place, last.timestamp, Cursor{last.timestamp, place->conversation, last.seq}});
    }
    open = std::move(more);
  }
  return hits;
}

Result<Search::Page> Search::find(UserId me, const Query& query, const std::optional<Cursor>& after,
                                  std::size_t limit) {
  const auto terms = base::search_terms(query.text);
  if (terms.empty()) return protocol::invalid_field("q", "a letter, a digit or an ideograph is needed");
  const auto places = this->places(me, query);
  if (query.conversation && places.empty()) return protocol::not_found();

  const auto wanted = limit + 1;
  auto hits = newest_hits(places, query.filter, terms, after, wanted);

  Page page;
  if (hits.size() > limit) {
    hits.pop_back();
    page.next = Cursor{hits.back().timestamp, hits.back().conversation, hits.back().seq};
  }
  for (const auto& hit : hits) {
    auto read = store_.messages().history({hit.conversation, 1, 0, hit.seq - 1, 1}).messages;
    // The index may be behind: what was recalled or changed meanwhile is no hit.
    if (read.empty() || read.front().seq != hit.seq || read.front().amendment.recalled_at != 0) continue;
    const auto [text, file_name] = texts_of(read.front().content);
    auto ranges = base::find_terms(text, terms);
    const bool in_name = ranges.empty();
    if (in_name) ranges = base::find_terms(file_name, terms);
    if (ranges.empty() && base::find_terms(text + kBreak + file_name, terms).empty()) continue;
    page.hits.push_back({std::move(read.front()), std::move(ranges), in_name});
  }
  return page;
}

}  // namespace simpleim::service
