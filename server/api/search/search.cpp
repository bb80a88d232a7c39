#include <charconv>

#include "api/routes.h"
#include "base/utf8.h"
#include "protocol/frame_writer.h"
#include "service/search/search.h"

/// Search in messages.
namespace simpleim::api {
namespace {

using service::Search;

constexpr std::size_t kMaxQuery = 256;
constexpr std::int64_t kMaxTime = std::int64_t{1} << 53;

/// "timestamp.seq.conversation_id"; opaque to clients.
std::optional<store::SearchHit> parse_cursor(std::string_view text) {
  store::SearchHit cursor;
  for (auto* number : {&cursor.timestamp, &cursor.seq}) {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + dot, *number);
    if (error != std::errc() || end != text.data() + dot) return std::nullopt;
    text.remove_prefix(dot + 1);
  }
  const auto conversation = ConversationId::parse(text);
  if (!conversation) return std::nullopt;
  cursor.conversation = *conversation;
  return cursor;
}

std::string to_text(const store::SearchHit& cursor) {
  return std::to_string(cursor.timestamp) + "." + std::to_string(cursor.seq) + "." + cursor.conversation.str();
}

Result<Search::Query> parse_query(const net::Request& request) {
  Search::Query query;
  query.text = request.param("q");
  if (query.text.empty() || base::code_points(query.text) > kMaxQuery)
    return protocol::invalid_field("q", "1 to " + std::to_string(kMaxQuery) + " characters are needed");
  if (const auto text = request.param("conversation_id"); !text.empty()) {
    query.conversation = ConversationId::parse(text);
    if (!query.conversation)
      return Error{ErrorCode::kNotFound,
                   "conversation_id: private:{smaller user_id}:{larger user_id} or group:{group_id} is needed",
                   "conversation_id"};
  }
  if (const auto text = request.param("from"); !text.empty()) {
    const auto user = UserId::parse(text);
    if (!user) return protocol::invalid_field("from", "a user id (user_…) is needed");
    query.filter.from = *user;
  }
  const auto type = query_integer(request, "type", -1, 0, 255);
  if (!type) return type.error();
  if (type.value() >= 0 && !protocol::is_shown(static_cast<protocol::FrameType>(type.value())))
    return protocol::invalid_field("type", "one of " + protocol::type_list(protocol::is_shown) + " is needed");
  query.filter.type = static_cast<int>(type.value());
  const auto before = query_integer(request, "before", 0, 1, kMaxTime);
  if (!before) return before.error();
  query.filter.not_after = before.value() > 0 ? before.value() - 1 : 0;
  const auto after = query_integer(request, "after", 0, 0, kMaxTime);
  if (!after) return after.error();
  query.filter.not_before = after.value();
  return query;
}

void write_hit(JsonWriter& w, const Search::Hit& hit) {
  std::string text;
  protocol::write_message(text, hit.message);
  w.begin_object().key("message").raw(text).field("field", hit.in_file_name ? "file_name" : "text");
  w.key("highlights").begin_array();
  for (const auto& [begin, end] : hit.ranges) w.begin_array().value(begin).value(end).end_array();
  w.end_array().end_object();
}

net::Response search(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto query = parse_query(request);
  if (!query) return failure(query.error());
  const auto limit = query_limit(request, 20, 50);
  if (!limit) return failure(limit.error());
  std::optional<store::SearchHit> after;
  if (const auto text = request.param("cursor"); !text.empty()) {
    after = parse_cursor(text);
    if (!after) return failure(protocol::invalid_field("cursor", "the next_cursor of a page is needed"));
  }
  const auto page = context.search.find(me.user, query.value(), after, limit.value());
  if (!page) return failure(page.error());
  return ok([&](JsonWriter& w) {
    w.key("hits").begin_array();
    for (const auto& hit : page.value().hits) write_hit(w, hit);
    w.end_array().field("next_cursor", page.value().next ? to_text(*page.value().next) : "");
  });
}

}  // namespace

void add_search_routes(net::Router& router, ApiContext& context) {
  router.add("GET", "/api/search/messages", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               return search(context, request, me);
             }));
}

}  // namespace simpleim::api
