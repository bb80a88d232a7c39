#include "api/routes.h"
#include "base/emoji.h"
#include "protocol/frame_writer.h"
#include "service/messages/message_reader.h"

/// History, single messages and what was done to them.
namespace simpleim::api {
namespace {

using protocol::Message;
using service::MessageReader;

constexpr std::int64_t kMaxSeq = 0xffffffff;

void write_reactions(JsonWriter& w, const std::vector<store::Reaction>& reactions, std::int64_t seq) {
  const auto is_here = [seq](const store::Reaction& r) { return r.seq == seq; };
  if (std::none_of(reactions.begin(), reactions.end(), is_here)) return;
  w.key("reactions").begin_array();
  for (const auto& reaction : reactions) {
    if (!is_here(reaction)) continue;
    w.begin_object().field("emoji", reaction.emoji).field("count", reaction.count).field("mine", reaction.mine);
    w.key("user_ids").begin_array();
    for (const auto user : reaction.users) w.value(user.str());
    w.end_array().end_object();
  }
  w.end_array();
}

/// A frame, with the reactions under the message.
void write_message(JsonWriter& w, const Message& message, const std::vector<store::Reaction>& reactions) {
  std::string text;
  protocol::write_message(text, message);
  std::string more;
  JsonWriter extra(more);
  extra.begin_object();
  write_reactions(extra, reactions, message.seq);
  extra.end_object();
  if (more.size() > 2) {
    text.pop_back();
    text += ',' + more.substr(1);
  }
  w.raw(text);
}

void write_page(JsonWriter& w, const MessageReader::Page& page) {
  w.key("messages").begin_array();
  for (const auto& message : page.messages) write_message(w, message, page.reactions);
  w.end_array().field("has_more", page.has_more).field("as_of", page.as_of);
}

void write_user(JsonWriter& w, const store::User& user) {
  w.begin_object()
      .field("user_id", user.id.str())
      .field("username", user.username)
      .field("nickname", user.nickname)
      .end_object();
}

net::Response history(ApiContext& context, const net::Request& request, const Identity& me,
                      ConversationId conversation) {
  const auto limit = query_limit(request, 50, 200);
  if (!limit) return failure(limit.error());
  const auto before = query_integer(request, "last_seq", 0, 0, kMaxSeq);
  if (!before) return failure(before.error());
  const auto after = query_integer(request, "after_seq", -1, 0, kMaxSeq);
  if (!after) return failure(after.error());
  const auto page =
      MessageReader(context.store, me.user).history(conversation, before.value(), after.value(), limit.value());
  if (!page) return failure(page.error());
  return ok([&](JsonWriter& w) { write_page(w, page.value()); });
}

net::Response one(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto id = path_id<base::MessageId>(request);
  if (!id) return failure(protocol::not_found());
  const auto page = MessageReader(context.store, me.user).one(*id);
  if (!page) return failure(page.error());
  return ok([&](JsonWriter& w) {
    w.key("message");
    write_message(w, page.value().messages.front(), page.value().reactions);
    w.field("as_of", page.value().as_of);
  });
}

net::Response versions(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto id = path_id<base::MessageId>(request);
  if (!id) return failure(protocol::not_found());
  const auto versions = MessageReader(context.store, me.user).versions(*id);
  if (!versions) return failure(versions.error());
  return ok([&](JsonWriter& w) {
    w.key("versions").begin_array();
    for (const auto& version : versions.value())
      w.begin_object().field("timestamp", version.timestamp).key("content").raw(version.content).end_object();
    w.end_array();
  });
}

net::Response reacting(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto id = path_id<base::MessageId>(request);
  if (!id) return failure(protocol::not_found());
  const auto asked = request.param("emoji");
  if (asked.empty()) return failure(protocol::invalid_field("emoji", "the emoji is needed"));
  const auto emoji = base::canonical_emoji(asked).value_or(std::string(asked));  // what is none has nobody
  const auto limit = query_limit(request, 100, 500);
  if (!limit) return failure(limit.error());
  const auto cursor = request.param("cursor");
  const auto after = cursor.empty() ? UserId() : UserId::parse(cursor);
  if (!after) return failure(protocol::invalid_field("cursor", "the next_cursor of a page is needed"));
  const auto page = MessageReader(context.store, me.user).reacting(*id, emoji, *after, limit.value());
  if (!page) return failure(page.error());
  return ok([&](JsonWriter& w) {
    w.key("users").begin_array();
    for (const auto& user : page.value().users) write_user(w, user);
    w.end_array().field("next_cursor", page.value().next ? page.value().next.str() : "");
  });
}

net::Response pins(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto conversation = path_id<ConversationId>(request);
  if (!conversation) return failure(protocol::not_found());
  const auto found = MessageReader(context.store, me.user).pins(*conversation);
  if (!found) return failure(found.error());
  const auto& [page, pinned] = found.value();
  return ok([&](JsonWriter& w) {
    w.key("pins").begin_array();
    for (std::size_t i = 0; i < pinned.size(); ++i) {
      w.begin_object().field("pinned_by", pinned[i].by.str()).field("pinned_at", pinned[i].at).key("message");
      write_message(w, page.messages[i], page.reactions);
      w.end_object();
    }
    w.end_array().field("as_of", page.as_of);
  });
}

}  // namespace

void add_message_routes(net::Router& router, ApiContext& context) {
  const auto with_context = [&context](auto handler) {
    return signed_in(context, [&context, handler](const net::Request& request, const Identity& me) {
      return handler(context, request, me);
    });
  };
  const auto of_user = [](ApiContext& context, const net::Request& request, const Identity& me) {
    const auto peer = path_id<UserId>(request);
    return peer ? history(context, request, me, ConversationId::between(me.user, *peer))
                : failure(protocol::not_found());
  };
  const auto of_group = [](ApiContext& context, const net::Request& request, const Identity& me) {
    const auto group = path_id<GroupId>(request);
    return group ? history(context, request, me, ConversationId::of(*group)) : failure(protocol::not_found());
  };
  router.add("GET", "/api/messages/private/:id", net::Lane::kWorker, with_context(of_user));
  router.add("GET", "/api/messages/group/:id", net::Lane::kWorker, with_context(of_group));
  router.add("GET", "/api/messages/:id", net::Lane::kWorker, with_context(one));
  router.add("GET", "/api/messages/:id/versions", net::Lane::kWorker, with_context(versions));
  router.add("GET", "/api/messages/:id/reactions", net::Lane::kWorker, with_context(reacting));
  router.add("GET", "/api/conversations/:id/pins", net::Lane::kWorker, with_context(pins));
}

}  // namespace simpleim::api
