#include "api/routes.h"

/// Profiles, user search, the block list.
namespace simpleim::api {
namespace {

net::Response me(ApiContext& context, const Identity& who) {
  const auto user = context.accounts.profile(who.user);
  if (!user) return failure(user.error());
  return ok([&](JsonWriter& w) {
    write_profile(w, user.value(), true);
    w.field("created_at", user.value().created_at);
  });
}

net::Response update_me(ApiContext& context, const net::Request& request, const Identity& who) {
  Body body(request);
  service::Accounts::ProfileChange change{body.optional_text("nickname"), body.optional_text("bio"),
                                          body.optional_text("avatar_file_id")};
  if (body.error()) return failure(*body.error());
  const auto user = context.accounts.update_profile(who.user, change);
  if (!user) return failure(user.error());
  return ok([&](JsonWriter& w) { write_profile(w, user.value(), true); });
}

net::Response change_password(ApiContext& context, const net::Request& request, const Identity& who) {
  if (const auto wait = context.logins.take(request.remote_address, context.clock.steady_ms()); wait > 0)
    return failure(Error{ErrorCode::kRateLimited, "too many attempts from this address; try again later", "", wait});
  Body body(request);
  const auto old_password = body.text("old_password");
  const auto new_password = body.text("new_password");
  if (body.error()) return failure(*body.error());
  return done(context.accounts.change_password(who, old_password, new_password));
}

void write_users(ApiContext& context, JsonWriter& w, const std::vector<store::User>& users) {
  std::vector<UserId> ids;
  ids.reserve(users.size());
  for (const auto& user : users) ids.push_back(user.id);
  const auto presence = context.presence.lookup(ids);
  w.key("users").begin_array();
  for (std::size_t i = 0; i < users.size(); ++i) {
    w.begin_object();
    write_profile(w, users[i], presence[i].online);
    w.end_object();
  }
  w.end_array();
}

net::Response search(ApiContext& context, const net::Request& request) {
  const auto q = request.param("q");
  if (q.empty() || q.size() > 256)
    return failure(protocol::invalid_field("q", "1 to 256 bytes of a username or nickname are needed"));
  const auto limit = query_integer(request, "limit", 20, 1, 50);
  if (!limit) return failure(limit.error());
  const auto users = context.accounts.search(q, static_cast<std::size_t>(limit.value()));
  return ok([&](JsonWriter& w) { write_users(context, w, users); });
}

net::Response profile(ApiContext& context, const net::Request& request) {
  const auto id = path_id<UserId>(request);
  if (!id) return failure(protocol::not_found());
  const auto user = context.accounts.profile(*id);
  if (!user) return failure(user.error());
  return ok([&](JsonWriter& w) { write_profile(w, user.value(), context.presence.lookup({*id}).front().online); });
}

net::Response set_blocked(ApiContext& context, const net::Request& request, const Identity& who, bool blocked) {
  const auto id = path_id<UserId>(request);
  if (!id) return failure(protocol::not_found());
  return done(context.accounts.set_blocked(who.user, *id, blocked));
}

}  // namespace

void add_user_routes(net::Router& router, ApiContext& context) {
  using net::Lane;
  using net::Request;
  router.add("GET", "/api/users/me", Lane::kWorker,
             signed_in(context, [&](const Request&, const Identity& who) { return me(context, who); }));
  router.add("PATCH", "/api/users/me", Lane::kWorker,
             signed_in(context, [&](const Request& r, const Identity& who) { return update_me(context, r, who); }));
  router.add(
      "POST", "/api/users/me/password", Lane::kHashing,
      signed_in(context, [&](const Request& r, const Identity& who) { return change_password(context, r, who); }));
  router.add("GET", "/api/users", Lane::kWorker,
             signed_in(context, [&](const Request& r, const Identity&) { return search(context, r); }));
  router.add("GET", "/api/users/:id", Lane::kWorker,
             signed_in(context, [&](const Request& r, const Identity&) { return profile(context, r); }));
  router.add("GET", "/api/blocks", Lane::kWorker, signed_in(context, [&](const Request&, const Identity& who) {
               const auto users = context.accounts.blocked_by(who.user);
               return ok([&](JsonWriter& w) { write_users(context, w, users); });
             }));
  router.add("PUT", "/api/blocks/:id", Lane::kWorker, signed_in(context, [&](const Request& r, const Identity& who) {
               return set_blocked(context, r, who, true);
             }));
  router.add("DELETE", "/api/blocks/:id", Lane::kWorker, signed_in(context, [&](const Request& r, const Identity& who) {
               return set_blocked(context, r, who, false);
             }));
}

}  // namespace simpleim::api
