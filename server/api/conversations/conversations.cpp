#include "api/routes.h"

#include <charconv>

#include "protocol/frame_writer.h"

/// The conversation list.
namespace simpleim::api {
namespace {

using service::ConversationCursor;
using service::ConversationView;

/// "timestamp.conversation_id"; opaque to clients.
std::optional<ConversationCursor> parse_cursor(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  ConversationCursor cursor;
  const auto [end, error] = std::from_chars(text.data(), text.data() + dot, cursor.timestamp);
  const auto conversation = ConversationId::parse(text.substr(dot + 1));
  if (error != std::errc() || end != text.data() + dot || !conversation) return std::nullopt;
  cursor.conversation = *conversation;
  return cursor;
}

void write_conversation(JsonWriter& w, const ConversationView& view) {
  const auto& state = view.state;
  w.begin_object()
      .field("conversation_id", state.conversation.str())
      .field("type", state.conversation.is_group() ? "group" : "private");
  if (view.group) {
    w.key("group").begin_object();
    write_group(w, {*view.group, view.member});
    w.end_object();
  }
  if (view.peer)
    w.key("peer")
        .begin_object()
        .field("user_id", view.peer->id.str())
        .field("username", view.peer->username)
        .field("nickname", view.peer->nickname)
        .field("avatar_file_id", view.peer->avatar_file_id)
        .end_object();
  if (view.last_message) {
    std::string text;
    protocol::write_message(text, *view.last_message);
    w.key("last_message").raw(text);
  }
  w.field("last_seq", view.last_seq)
      .field("read_seq", state.read_seq)
      .field("delivered_seq", state.delivered_seq)
      .field("unread", view.unread)
      .field("mentioned_seq", view.mentioned_seq)
      .field("pinned", state.pinned)
      .field("muted", state.muted)
      .field("archived", state.archived);
  if (view.peer) w.field("peer_read_seq", view.peer_read_seq).field("peer_delivered_seq", view.peer_delivered_seq);
  if (!state.draft.empty()) w.field("draft", state.draft);
  w.end_object();
}

net::Response list(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto limit = query_limit(request, 50, 200);
  if (!limit) return failure(limit.error());
  std::optional<ConversationCursor> after;
  if (const auto text = request.param("cursor"); !text.empty()) {
    after = parse_cursor(text);
    if (!after) return failure(protocol::invalid_field("cursor", "the next_cursor of a page is needed"));
  }
  const auto page = context.conversations.list(me.user, after, limit.value());
  return ok([&](JsonWriter& w) {
    w.key("conversations").begin_array();
    for (const auto& view : page.conversations) write_conversation(w, view);
    w.end_array().field("next_cursor",
                        page.next ? std::to_string(page.next->timestamp) + "." + page.next->conversation.str() : "");
  });
}

net::Response update(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto conversation = path_id<ConversationId>(request);
  if (!conversation) return failure(protocol::not_found());
  Body body(request);
  service::Conversations::Change change;
  change.pinned = body.optional_flag("pinned");
  change.muted = body.optional_flag("muted");
  change.archived = body.optional_flag("archived");
  change.draft = body.optional_text("draft");
  if (body.error()) return failure(*body.error());
  const auto state = context.conversations.update(context.commits, me.user, me.session, *conversation, change);
  if (!state) return failure(state.error());
  const auto& s = state.value();
  return ok([&](JsonWriter& w) {
    w.field("conversation_id", s.conversation.str())
        .field("pinned", s.pinned)
        .field("muted", s.muted)
        .field("archived", s.archived)
        .field("draft", s.draft);
  });
}

}  // namespace

void add_conversation_routes(net::Router& router, ApiContext& context) {
  router.add("GET", "/api/conversations", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               return list(context, request, me);
             }));
  router.add("PATCH", "/api/conversations/:id", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               return update(context, request, me);
             }));
}

}  // namespace simpleim::api
