#include "api/api.h"

#include "api/routes.h"
#include "net/header_value.h"

namespace simpleim::api {

namespace {

/// `Bearer <token>`, the scheme in any case and any number of spaces behind it (RFC 9110 section 11.1); the base
/// contract's clients send the token alone.
std::string_view bearer_token(std::string_view header) {
  const auto value = net::trim(header);
  const auto space = value.find(' ');
  if (space == std::string_view::npos) return value;
  return net::lower(value.substr(0, space)) == "bearer" ? net::trim(value.substr(space)) : std::string_view();
}

}  // namespace

Result<Identity> authenticate(ApiContext& context, const net::Request& request) {
  try {
    if (const auto* known = std::any_cast<service::TokenClaims>(&request.caller))
      return context.sessions.identify(*known);
    return context.sessions.authenticate(bearer_token(request.header("authorization")));
  } catch (const store::StoreError& e) {
    return e.as_error();
  }
}

net::Handler signed_in(ApiContext& context, SignedInHandler handler) {
  return [&context, handler = std::move(handler)](const net::Request& request) {
    const auto who = authenticate(context, request);
    const auto now = context.clock.steady_ms();
    if (!who) {
      const auto refused = context.budget.charge_stranger(request, now);
      return failure(refused ? *refused : who.error());
    }
    if (const auto refused = context.budget.charge(request, who.value().user, now)) return failure(*refused);
    try {
      return handler(request, who.value());
    } catch (const store::StoreError& e) {
      return failure(e.as_error());
    }
  };
}

net::UploadHandler guarded_upload(ApiContext& context, std::variant<net::Response, std::unique_ptr<net::BodySink>> (
                                                           *begin)(ApiContext&, const net::Request&)) {
  return [&context, begin](const net::Request& head) -> std::variant<net::Response, std::unique_ptr<net::BodySink>> {
    try {
      return begin(context, head);
    } catch (const store::StoreError& e) {
      return failure(e.as_error());
    }
  };
}

void write_profile(JsonWriter& w, const store::User& user, bool online) {
  w.field("user_id", user.id.str())
      .field("username", user.username)
      .field("nickname", user.nickname)
      .field("bio", user.bio)
      .field("avatar_file_id", user.avatar_file_id)
      .field("online", online)
      .field("last_seen", user.hides_last_seen ? 0 : user.last_seen);
}

void write_group(JsonWriter& w, const service::GroupView& view) {
  const auto& g = view.group;
  w.field("group_id", g.id.str())
      .field("conversation_id", ConversationId::of(g.id).str())
      .field("name", g.name)
      .field("description", g.description)
      .field("announcement", g.announcement)
      .field("avatar_file_id", g.avatar_file_id)
      .field("owner_id", g.owner.str())
      .field("join_policy", to_string(g.join_policy))
      .field("history", g.history_for_all ? "all" : "since_joined")
      .field("member_count", g.member_count)
      .field("created_at", g.created_at);
  if (view.me) w.field("role", to_string(view.me->role)).field("muted_until", view.me->muted_until);
}

void add_routes(net::Router& router, ApiContext& context) {
  router.errors([](int status, std::string_view text) { return failure(status, text); });
  add_auth_routes(router, context);
  add_session_routes(router, context);
  add_user_routes(router, context);
  add_group_routes(router, context);
  add_message_routes(router, context);
  add_conversation_routes(router, context);
  add_receipt_routes(router, context);
  add_report_routes(router, context);
  add_file_routes(router, context);
  add_upload_routes(router, context);
  add_search_routes(router, context);
  add_rtc_routes(router, context);
  add_system_routes(router, context, false);
  router.add("GET", "/api/openapi.json", net::Lane::kInline, [](const net::Request&) {
    net::Response response;
    response.body = description();
    return response;
  });
  add_web_client(router, context.assets, context.files_origin, context.info.public_path);
  answer_socket_queries(router, context);
  router.websocket("/ws", [&context](const net::Request& request, const net::UpgradeReply& reply) {
    context.gateway.admit(request, reply);
  });
}

void add_admin_routes(net::Router& router, ApiContext& context) {
  router.errors([](int status, std::string_view text) { return failure(status, text); });
  add_system_routes(router, context, true);
  router.add("GET", "/metrics", net::Lane::kWorker, [&context](const net::Request&) {
    context.metrics.worker_queue.Set(static_cast<double>(context.workers.queued()));
    context.metrics.hashing_queue.Set(static_cast<double>(context.hashing.queued()));
    net::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = context.metrics.text();
    return response;
  });
}

}  // namespace simpleim::api
