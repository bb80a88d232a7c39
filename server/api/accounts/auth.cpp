#include "api/routes.h"
#include "base/utf8.h"
#include "net/client_address.h"
#include "net/header_value.h"
#include "service/limits/text_rules.h"

/// Registration, sign-in, refresh: what is open to everyone, and therefore limited by address.
namespace simpleim::api {
namespace {

constexpr std::size_t kMaxDeviceText = 64;

Error too_many(std::int64_t wait_ms) {
  return {ErrorCode::kRateLimited, "too many attempts from this address; try again later", "", wait_ms};
}

std::string websocket_url(const ApiContext& context, const net::Request& request) {
  const auto& known = context.info.public_url;  // http(s)://host[:port][/path], without a slash at its end
  return known.empty() ? (request.https ? "wss://" : "ws://") + request.host + "/ws" : "ws" + known.substr(4) + "/ws";
}

/// Refused before it stands in line for a password hash, of which there are few at once.
net::Admit limited(ApiContext& context, service::KeyedRateLimit& limit) {
  return [&context, &limit](const net::Request& request) -> std::optional<net::Response> {
    const auto wait = limit.take(net::client_key(request.remote_address), context.clock.steady_ms());
    return wait > 0 ? std::optional(failure(too_many(wait))) : std::nullopt;
  };
}

/// Failed sign-ins to an account count whoever tries, so that its password cannot be guessed from many addresses. Its
/// owner is not locked out by that: a device, or an address, from which he is signed in has a count of its own.
std::string guesses_key(ApiContext& context, const std::string& username, const net::Request& request,
                        const std::string& device_id) {
  const auto everybody = "name " + net::lower(username);
  if (context.failed_logins.wait(everybody, context.clock.steady_ms()) == 0) return everybody;
  const auto user = context.store.accounts().user_by_name(username);
  if (!user) return everybody;
  for (const auto& session : context.store.accounts().sessions_of(user->id)) {
    if (!device_id.empty() && session.device_id == device_id) return everybody + " device " + device_id;
    if (net::client_key(session.ip) == net::client_key(request.remote_address))
      return everybody + " address " + net::client_key(request.remote_address);
  }
  return everybody;
}

void write_tokens(JsonWriter& w, const service::TokenPair& tokens) {
  w.field("token", tokens.access).field("refresh_token", tokens.refresh).field("expires_at", tokens.expires_at);
}

/// Lets a page of this server show `<img src="{url of a message}">` without a header. It reaches the paths of files
/// alone, from pages of this site alone, and no script can read it. "": forget it.
void set_file_cookie(const ApiContext& context, const net::Request& request, const std::string& pass,
                     net::Response& response) {
  response.headers.emplace_back("Set-Cookie",
                                std::string(kFileCookie) + "=" + pass + "; Path=" + context.info.public_path +
                                    "/api/files; Max-Age=" + std::to_string(pass.empty() ? 0 : context.info.session_s) +
                                    "; HttpOnly; SameSite=Strict" + (request.https ? "; Secure" : ""));
}

net::Response sign_up(ApiContext& context, const net::Request& request) {
  if (!context.info.registration_open)
    return failure(Error{ErrorCode::kRegistrationClosed,
                         "this server makes no accounts for strangers; whoever runs it can give you one"});
  Body body(request);
  const auto username = body.text("username");
  const auto nickname = body.optional_text("nickname");
  const auto password = body.text("password");
  if (body.error()) return failure(*body.error());
  if (service::is_reserved(username, context.info.reserved_usernames))
    return failure(protocol::invalid_field("username", "this name is reserved; choose another"));
  const auto user = context.accounts.create(username, nickname && !nickname->empty() ? *nickname : username, password);
  if (!user) return failure(user.error());
  return ok([&](JsonWriter& w) {
    w.field("user_id", user.value().id.str())
        .field("username", user.value().username)
        .field("nickname", user.value().nickname);
  });
}

net::Response log_in(ApiContext& context, const net::Request& request) {
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
    if (base::code_points(*text) > kMaxDeviceText)
      return failure(protocol::invalid_field(name, "at most " + std::to_string(kMaxDeviceText) + " characters"));
  const auto guesses = guesses_key(context, username, request, device.id);
  if (const auto wait = context.failed_logins.wait(guesses, context.clock.steady_ms()); wait > 0)
    return failure(
        Error{ErrorCode::kRateLimited, "too many wrong passwords for this account; try again later", "", wait});
  const auto result = context.accounts.sign_in(username, password, std::move(device));
  if (!result) {
    if (result.error().code == ErrorCode::kWrongCredentials)
      (void)context.failed_logins.take(guesses, context.clock.steady_ms());
    return failure(result.error());
  }
  const auto& in = result.value();
  auto response = ok([&](JsonWriter& w) {
    w.field("user_id", in.user.id.str()).field("username", in.user.username).field("nickname", in.user.nickname);
    write_tokens(w, in.tokens);
    w.field("session_id", in.session.id.str())
        .field("device_id", in.session.device_id)
        .field("websocket_url", websocket_url(context, request));
  });
  set_file_cookie(context, request, in.tokens.file_pass, response);
  return response;
}

net::Response refresh(ApiContext& context, const net::Request& request) {
  Body body(request);
  const auto token = body.text("refresh_token");
  if (body.error()) return failure(*body.error());
  // Only what fails counts: a thousand devices may share an address, and each of their tokens is good once.
  const auto who = net::client_key(request.remote_address);
  if (const auto wait = context.logins.wait(who, context.clock.steady_ms()); wait > 0) return failure(too_many(wait));
  const auto renewed = context.sessions.refresh(token, request.remote_address);
  if (!renewed) {
    if (renewed.error().code != ErrorCode::kUnavailable) (void)context.logins.take(who, context.clock.steady_ms());
    return failure(renewed.error());
  }
  auto response = ok([&](JsonWriter& w) {
    w.field("user_id", renewed.value().first.user.str());
    write_tokens(w, renewed.value().second);
    w.field("device_id", renewed.value().first.device_id);
  });
  set_file_cookie(context, request, renewed.value().second.file_pass, response);
  return response;
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
  router.add("POST", "/api/register", net::Lane::kHashing, guarded(context, sign_up),
             limited(context, context.registrations));
  router.add("POST", "/api/login", net::Lane::kHashing, guarded(context, log_in), limited(context, context.logins));
  router.add("POST", "/api/refresh", net::Lane::kWorker, guarded(context, refresh));
  router.add("POST", "/api/logout", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               auto response = done(context.sessions.revoke(me.user, me.session));
               // Pictures of the conversations would lie in the browser for a day.
               response.headers.emplace_back("Clear-Site-Data", "\"cache\"");
               set_file_cookie(context, request, "", response);
               return response;
             }));
}

}  // namespace simpleim::api
