#include <algorithm>
#include <array>

#include "api/routes.h"
#include "protocol/error_body.h"

/// Some of the routes, asked over a WebSocket (frame 61): what brings a client up to date over the one connection that
/// is known to live. The handlers, the rights and the budgets are those of REST.
namespace simpleim::api {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kAskable{{
    {"GET", "/api/conversations"},
    {"GET", "/api/conversations/:id/pins"},
    {"GET", "/api/conversations/:id/receipts"},
    {"GET", "/api/messages/private/:id"},
    {"GET", "/api/messages/group/:id"},
    {"GET", "/api/messages/:id"},
    {"GET", "/api/groups/:id"},
    {"GET", "/api/groups/:id/members"},
    {"GET", "/api/users/:id"},
    {"GET", "/api/users/me"},
    {"POST", "/api/files/urls"},
}};

bool is_askable(const net::Route& route) {
  return std::find(kAskable.begin(), kAskable.end(),
                   std::pair<std::string_view, std::string_view>(route.method, route.pattern)) != kAskable.end();
}

net::Response answer(const net::Router& router, net::Request& request, std::string_view path) {
  if (!net::parse_target(path, request)) return failure(protocol::invalid_field("path", "it is malformed"));
  const auto* route = router.find(request).route;
  if (route == nullptr || !is_askable(*route))
    return failure(Error{ErrorCode::kNotFound, "this is not answered over a socket; ask over REST"});
  request.route = route->pattern;
  return route->handler(request);
}

}  // namespace

void answer_socket_queries(const net::Router& router, ApiContext& context) {
  context.gateway.answer_queries([&router, &context](const gateway::SessionInfo& who, protocol::QueryFrame frame,
                                                     gateway::GatewayContext::QueryReply reply) {
    auto request = std::make_shared<net::Request>();
    request->method = std::move(frame.method);
    request->body = std::move(frame.body);
    request->caller = service::TokenClaims{who.user, who.session, who.token_expires_ms / 1000};
    const auto accepted = context.workers.submit([&router, request, path = std::move(frame.path), reply] {
      const auto response = answer(router, *request, path);
      reply(response.status, response.body);
    });
    if (!accepted)
      reply(protocol::http_status(ErrorCode::kUnavailable),
            protocol::error_body({ErrorCode::kUnavailable, "the server is busy; try again", "", 1000}));
  });
}

}  // namespace simpleim::api
