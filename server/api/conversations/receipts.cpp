#include <charconv>

#include "api/routes.h"
#include "service/conversations/receipts.h"

/// Who has read a message.
namespace simpleim::api {
namespace {

constexpr std::size_t kMaxSeqs = 100;

void write_count(JsonWriter& w, const service::Receipts::Count& count) {
  w.field("seq", count.seq).field("read_count", count.read).field("unread_count", count.unread);
}

/// "3,5,8"
std::optional<std::vector<std::int64_t>> parse_seqs(std::string_view text) {
  std::vector<std::int64_t> seqs;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    std::int64_t seq = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + end, seq);
    if (error != std::errc() || stop != text.data() + end || seq < 1 || seqs.size() == kMaxSeqs) return std::nullopt;
    seqs.push_back(seq);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return seqs.empty() ? std::nullopt : std::optional(seqs);
}

net::Response counts(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto conversation = path_id<ConversationId>(request);
  if (!conversation) return failure(protocol::not_found());
  const auto seqs = parse_seqs(request.param("seq"));
  if (!seqs)
    return failure(protocol::invalid_field(
        "seq", "1 to " + std::to_string(kMaxSeqs) + " numbers from 1, separated by commas, are needed"));
  const auto found = service::Receipts(context.store).counts(me.user, *conversation, *seqs);
  if (!found) return failure(found.error());
  return ok([&](JsonWriter& w) {
    w.key("receipts").begin_array();
    for (const auto& count : found.value()) {
      w.begin_object();
      write_count(w, count);
      w.end_object();
    }
    w.end_array();
  });
}

net::Response of_message(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto id = path_id<base::MessageId>(request);
  if (!id) return failure(protocol::not_found());
  const auto list = request.param("list");
  if (!list.empty() && list != "read" && list != "unread")
    return failure(protocol::invalid_field("list", "read or unread is needed"));
  const auto limit = query_limit(request, 100, 500);
  if (!limit) return failure(limit.error());
  const auto cursor = request.param("cursor");
  const auto after = cursor.empty() ? UserId() : UserId::parse(cursor);
  if (!after) return failure(protocol::invalid_field("cursor", "the next_cursor of a page is needed"));
  const auto page = service::Receipts(context.store).of(me.user, *id, list != "unread", *after, limit.value());
  if (!page) return failure(page.error());
  return ok([&](JsonWriter& w) {
    w.field("message_id", id->view());
    write_count(w, page.value().count);
    w.field("list", list == "unread" ? "unread" : "read").key("users").begin_array();
    for (const auto& user : page.value().users)
      w.begin_object()
          .field("user_id", user.id.str())
          .field("username", user.username)
          .field("nickname", user.nickname)
          .end_object();
    w.end_array().field("next_cursor", page.value().next ? page.value().next.str() : "");
  });
}

}  // namespace

void add_receipt_routes(net::Router& router, ApiContext& context) {
  router.add("GET", "/api/messages/:id/receipts", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               return of_message(context, request, me);
             }));
  router.add("GET", "/api/conversations/:id/receipts", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               return counts(context, request, me);
             }));
}

}  // namespace simpleim::api
