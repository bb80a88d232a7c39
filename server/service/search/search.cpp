#include "service/search/search.h"

#include <simdjson.h>

#include "service/messages/message_reader.h"

namespace simpleim::service {
namespace {

/// A text and a file name in one document; they are not found across the break.
constexpr char kBreak = '\n';

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
  if (!protocol::is_counted(message.type)) return {};
  if (message.amendment.recalled_at != 0) return {};
  auto [text, file_name] = texts_of(message.content);
  if (file_name.empty()) return std::move(text);
  return text + kBreak + file_name;
}

std::vector<store::SearchPlace> Search::places(UserId me, const Query& query) {
  std::vector<store::SearchPlace> found;
  MessageReader reader(store_, me);
  const auto add = [&](ConversationId conversation) {
    if (const auto from = reader.visible_from(conversation)) found.push_back({conversation, *from});
  };
  if (query.conversation) add(*query.conversation);
  else
    for (const auto& state : store_.conversations().states_of(me)) add(state.conversation);
  return found;
}

Result<Search::Page> Search::find(UserId me, const Query& query, const std::optional<store::SearchHit>& after,
                                  std::size_t limit) {
  const auto terms = base::search_terms(query.text);
  const auto places = this->places(me, query);
  if (query.conversation && places.empty()) return protocol::not_found();
  if (terms.empty()) return Page{};  // nothing but marks and spaces: nothing has it

  auto hits = index_.find(places, terms, query.filter, after, limit + 1);
  Page page;
  if (hits.size() > limit) {
    hits.pop_back();
    page.next = hits.back();
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
