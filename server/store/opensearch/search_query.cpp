#include "store/opensearch/search_query.h"

#include <charconv>
#include <unordered_set>

#include "base/json_writer.h"

namespace simpleim::store::opensearch {
namespace {

using base::JsonWriter;

constexpr std::size_t kDigits = 16;
constexpr std::size_t kMaxWhole = 20'000;
constexpr std::size_t kMaxPartial = 500;

void append_key(std::string& out, std::uint64_t value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out += kHex[value >> shift & 15];
}

std::optional<std::uint64_t> parse_key(std::string_view digits) {
  std::uint64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value, 16);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

/// `{"KIND":{"FIELD":VALUE}}`.
template <class Value>
void clause(JsonWriter& w, std::string_view kind, std::string_view field, const Value& value) {
  w.begin_object().key(kind).begin_object().field(field, value).end_object().end_object();
}

void range(JsonWriter& w, std::string_view field, std::int64_t from, std::int64_t to) {
  w.begin_object().key("range").begin_object().key(field).begin_object();
  if (from != 0) w.field("gte", from);
  if (to != 0) w.field("lte", to);
  w.end_object().end_object().end_object();
}

void write_places(JsonWriter& w, const std::vector<SearchPlace>& places) {
  w.begin_object().key("bool").begin_object().field("minimum_should_match", 1).key("should").begin_array();
  w.begin_object().key("terms").begin_object().key("conversation").begin_array();
  for (const auto& place : places)
    if (place.first_seq <= 1) w.value(conversation_key(place.conversation));
  w.end_array().end_object().end_object();
  for (const auto& place : places) {
    if (place.first_seq <= 1) continue;
    w.begin_object().key("bool").begin_object().key("filter").begin_array();
    clause(w, "term", "conversation", conversation_key(place.conversation));
    range(w, "seq", place.first_seq, 0);
    w.end_array().end_object().end_object();
  }
  w.end_array().end_object().end_object();
}

}  // namespace

std::string conversation_key(ConversationId conversation) {
  std::string key;
  append_key(key, conversation.low);
  append_key(key, conversation.high);
  return key;
}

std::optional<ConversationId> parse_conversation_key(std::string_view key) {
  if (key.size() != 2 * kDigits) return std::nullopt;
  const auto low = parse_key(key.substr(0, kDigits));
  const auto high = parse_key(key.substr(kDigits));
  if (!low || !high) return std::nullopt;
  return ConversationId{*low, *high};
}

std::string user_key(UserId user) {
  std::string key;
  append_key(key, user.value);
  return key;
}

std::string tokens_of(std::string_view text) {
  std::string out;
  std::unordered_set<std::string> seen;
  base::for_each_search_token(text, [&](std::string_view token, std::size_t, std::size_t) {
    if (!seen.emplace(token).second) return;
    if (!out.empty()) out += ' ';
    out += token;
  });
  return out;
}

std::string search_query(const std::vector<SearchPlace>& places, const std::vector<base::SearchTerm>& terms,
                         const SearchFilter& filter, const std::optional<SearchHit>& after, std::size_t size) {
  std::string json;
  JsonWriter w(json);
  w.begin_object().field("size", size).field("track_total_hits", false);
  w.key("_source").begin_array().value("said").end_array();
  w.key("query").begin_object().key("bool").begin_object().key("filter").begin_array();
  for (const auto& term : terms)
    for (const auto& token : term.tokens) clause(w, term.prefix ? "prefix" : "term", "tokens", token);
  if (filter.from) clause(w, "term", "from", user_key(filter.from));
  if (filter.type >= 0) clause(w, "term", "type", filter.type);
  if (filter.not_before != 0 || filter.not_after != 0) range(w, "time", filter.not_before, filter.not_after);
  write_places(w, places);
  w.end_array().end_object().end_object();
  w.key("sort").begin_array();
  for (const auto& [field, order] :
       {std::pair("time", "desc"), std::pair("conversation", "asc"), std::pair("seq", "desc")})
    w.begin_object().field(field, order).end_object();
  w.end_array();
  if (after)
    w.key("search_after")
        .begin_array()
        .value(after->timestamp)
        .value(conversation_key(after->conversation))
        .value(after->seq)
        .end_array();
  w.end_object();
  return json;
}

std::vector<std::vector<SearchPlace>> divided(const std::vector<SearchPlace>& places) {
  std::vector<std::vector<SearchPlace>> parts(1);
  std::size_t partial = 0;
  for (const auto& place : places) {
    const bool is_partial = place.first_seq > 1;
    if (parts.back().size() - partial == kMaxWhole || (is_partial && partial == kMaxPartial)) {
      parts.emplace_back();
      partial = 0;
    }
    parts.back().push_back(place);
    partial += is_partial ? 1 : 0;
  }
  return parts;
}

}  // namespace simpleim::store::opensearch
