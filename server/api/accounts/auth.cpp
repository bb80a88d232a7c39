#include "api/routes.h"

/// Registration, sign-in, refresh: what is open to everyone, and therefore limited by address.
namespace simpleim::api {
namespace {

constexpr std::size_t kMaxDeviceText = 64;

Error too_many(std::int64_t wait_ms) {
  return {ErrorCode::kRateLimited, "too many attempts from this address; try again later", "", wait_ms};
}

std::string websocket_url(const net::Request& request) {
  return (request.tls ? "wss://" : "ws://") + std::string(request.header("host")) + "/ws";
}

void write_tokens(JsonWriter& w, const service::TokenPair& tokens) {
  w.field("token", tokens.access).field("refresh_token", tokens.refresh).field("expires_at", tokens.expires_at);
}

net::Response sign_up(ApiContext& context, const net::Request& request) {
  if (!context.info.registration_open)
    return failure(Error{ErrorCode::kRegistrationClosed,
                         "this server makes no accounts for strangers; whoever runs it can give you one"});
  if (const auto wait = context.registrations.take(request.remote_address, context.clock.steady_ms()); wait > 0)
    return failure(too_many(wait));
  Body body(request);
  const auto username = body.text("username");
  const auto nickname = body.optional_text("nickname");
  const auto password = body.text("password");
  if (body.error()) return failure(*body.error());
  const auto user = context.accounts.create(username, nickname && !nickname->empty() ? *nickname : username, password);
  if (!user) return failure(user.error());
  return ok([&](JsonWriter& w) {
    w.field("user_id", user.value().id.str())
        .field("username", user.value().username)
        .field("nickname", user.value().nickname);
  });
}

net::Response log_in(ApiContext& context, const net::Request& request) {
  if (const auto wait = context.logins.take(request.remote_address, context.clock.steady_ms()); wait > 0)
    return failure(too_many(wait));
  Body body(request);
  const auto username = body.text("username");
  const auto password = body.text("password");
  service::Device device;
  device.platform = body.optional_text("platform").value_or("");
  device.id = body.optional_text("device_id").value_or("");
  device.name = body.optional_text("device_name").value_or("");
  device.ip = request.remote_address;
  if (body.error()) return failure(*body.error());
  for (const auto& [name, text] : {std::pair("platform", &device.platform), std::pair("device_id", &device.id),
                                   std::pair("device_name", &device.name)})
    if (text->size() > kMaxDeviceText)
      return failure(protocol::invalid_field(name, "at most " + std::to_string(kMaxDeviceText) + " bytes"));
  const auto result = context.accounts.sign_in(username, password, std::move(device));
  if (!result) return failure(result.error());
  const auto& in = result.value();
  return ok([&](JsonWriter& w) {
    w.field("user_id", in.user.id.str()).field("username", in.user.username).field("nickname", in.user.nickname);
    write_tokens(w, in.tokens);
    w.field("session_id", in.session.id.str())
        .field("device_id", in.session.device_id)
        .field("websocket_url", websocket_url(request));
  });
}

net::Response refresh(ApiContext& context, const net::Request& request) {
  Body body(request);
  const auto token = body.text("refresh_token");
  if (body.error()) return failure(*body.error());
  const auto renewed = context.sessions.refresh(token, request.remote_address);
  if (!renewed) return failure(renewed.error());
  return ok([&](JsonWriter& w) {
    w.field("user_id", renewed.value().first.user.str());
    write_tokens(w, renewed.value().second);
    w.field("device_id", renewed.value().first.device_id);
  });
}

/// Store failures become their own answers, here as in signed_in().
net::Handler guarded(ApiContext& context, net::Response (*handler)(ApiContext&, const net::Request&)) {
  return [&context, handler](const net::Request& request) {
    try {
      return handler(context, request);
    } catch (const store::StoreError& e) {
      return failure(e.as_error());
    }
  };
}

}  // namespace

void add_auth_routes(net::Router& router, ApiContext& context) {
  router.add("POST", "/api/register", net::Lane::kHashing, guarded(context, sign_up));
  router.add("POST", "/api/login", net::Lane::kHashing, guarded(context, log_in));
  router.add("POST", "/api/refresh", net::Lane::kWorker, guarded(context, refresh));
  router.add("POST", "/api/logout", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request&, const Identity& me) {
               return done(context.sessions.revoke(me.user, me.session));
             }));
}

}  // namespace simpleim::api
