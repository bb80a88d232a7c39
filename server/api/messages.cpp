#include "api/routes.h"

/// History.
namespace simpleim::api {
namespace {

constexpr std::int64_t kMaxSeq = 0xffffffff;

net::Response history(ApiContext& context, const net::Request& request, const Identity& me,
                      ConversationId conversation) {
  const auto limit = query_integer(request, "limit", 50, 1, 200);
  if (!limit) return failure(limit.error());
  const auto before = query_integer(request, "last_seq", 0, 0, kMaxSeq);
  if (!before) return failure(before.error());
  const auto after = query_integer(request, "after_seq", -1, 0, kMaxSeq);
  if (!after) return failure(after.error());
  if (before.value() > 0 && after.value() >= 0)
    return failure(protocol::invalid_field("after_seq", "either last_seq or after_seq, not both"));
  const auto page = context.conversations.history(me.user, conversation, before.value(), after.value(),
                                                  static_cast<std::size_t>(limit.value()));
  if (!page) return failure(page.error());
  return ok([&](JsonWriter& w) { write_page(w, page.value()); });
}

}  // namespace

void add_message_routes(net::Router& router, ApiContext& context) {
  router.add("GET", "/api/messages/private/:id", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               const auto peer = path_id<UserId>(request);
               return peer ? history(context, request, me, ConversationId::between(me.user, *peer))
                           : failure(protocol::not_found());
             }));
  router.add("GET", "/api/messages/group/:id", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               const auto group = path_id<GroupId>(request);
               return group ? history(context, request, me, ConversationId::of(*group))
                            : failure(protocol::not_found());
             }));
}

}  // namespace simpleim::api
