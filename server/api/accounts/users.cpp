#include "api/routes.h"
#include "net/client_address.h"

/// Profiles, user search, the block list.
namespace simpleim::api {
namespace {

constexpr std::pair<store::InviteRule, std::string_view> kInviteRules[] = {{store::InviteRule::kEverybody, "everybody"},
                                                                           {store::InviteRule::kContacts, "contacts"},
                                                                           {store::InviteRule::kNobody, "nobody"}};

/// What only the user himself is told.
void write_choices(JsonWriter& w, const store::User& user) {
  for (const auto& [rule, name] : kInviteRules)
    if (rule == user.invites) w.field("invites", name);
  w.field("show_online", !user.hides_online)
      .field("show_last_seen", !user.hides_last_seen)
      .field("created_at", user.created_at);
}

net::Response me(ApiContext& context, const Identity& who) {
  const auto user = context.accounts.profile(who.user);
  if (!user) return failure(user.error());
  return ok([&](JsonWriter& w) {
    write_profile(w, user.value(), true);
    write_choices(w, user.value());
  });
}

net::Response update_me(ApiContext& context, const net::Request& request, const Identity& who) {
  Body body(request);
  service::Accounts::ProfileChange change;
  change.nickname = body.optional_text("nickname");
  change.bio = body.optional_text("bio");
  change.avatar_file_id = body.optional_text("avatar_file_id");
  change.show_online = body.optional_flag("show_online");
  change.show_last_seen = body.optional_flag("show_last_seen");
  if (const auto wanted = body.optional_text("invites")) {
    for (const auto& [rule, name] : kInviteRules)
      if (name == *wanted) change.invites = rule;
    if (!change.invites) body.fail(protocol::invalid_field("invites", "everybody, contacts or nobody is needed"));
  }
  if (body.error()) return failure(*body.error());
  const auto user = context.accounts.update_profile(who.user, change);
  if (!user) return failure(user.error());
  return ok([&](JsonWriter& w) {
    write_profile(w, user.value(), true);
    write_choices(w, user.value());
  });
}

net::Response change_password(ApiContext& context, const net::Request& request, const Identity& who) {
  if (const auto wait = context.logins.take(net::client_key(request.remote_address), context.clock.steady_ms());
      wait > 0)
    return failure(Error{ErrorCode::kRateLimited, "too many attempts from this address; try again later", "", wait});
  Body body(request);
  const auto old_password = body.text("old_password");
  const auto new_password = body.text("new_password");
  if (body.error()) return failure(*body.error());
  return done(context.accounts.change_password(who, old_password, new_password));
}

/// As `me` may see him: whoever has blocked me is not seen online by me.
bool is_seen_online(ApiContext& context, const cluster::Presence& presence, UserId me) {
  return presence.online && !context.store.accounts().has_blocked(presence.user, me);
}

void write_users(ApiContext& context, JsonWriter& w, const std::vector<store::User>& users, UserId me) {
  std::vector<UserId> ids;
  ids.reserve(users.size());
  for (const auto& user : users) ids.push_back(user.id);
  const auto presence = context.presence.lookup(ids);
  w.key("users").begin_array();
  for (std::size_t i = 0; i < users.size(); ++i) {
    w.begin_object();
    write_profile(w, users[i], is_seen_online(context, presence[i], me));
    w.end_object();
  }
  w.end_array();
}

net::Response search(ApiContext& context, const net::Request& request, const Identity& who) {
  const auto q = request.param("q");
  if (q.empty() || q.size() > 256)
    return failure(protocol::invalid_field("q", "1 to 256 bytes of a username or nickname are needed"));
  const auto limit = query_limit(request, 20, 50);
  if (!limit) return failure(limit.error());
  const auto users = context.accounts.search(q, limit.value());
  return ok([&](JsonWriter& w) { write_users(context, w, users, who.user); });
}

net::Response profile(ApiContext& context, const net::Request& request, const Identity& who) {
  const auto id = path_id<UserId>(request);
  if (!id) return failure(protocol::not_found());
  const auto user = context.accounts.profile(*id);
  if (!user) return failure(user.error());
  const auto online = is_seen_online(context, context.presence.lookup({*id}).front(), who.user);
  return ok([&](JsonWriter& w) { write_profile(w, user.value(), online); });
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
             signed_in(context, [&](const Request& r, const Identity& who) { return search(context, r, who); }));
  router.add("GET", "/api/users/:id", Lane::kWorker,
             signed_in(context, [&](const Request& r, const Identity& who) { return profile(context, r, who); }));
  router.add("GET", "/api/blocks", Lane::kWorker, signed_in(context, [&](const Request&, const Identity& who) {
               const auto users = context.accounts.blocked_by(who.user);
               return ok([&](JsonWriter& w) { write_users(context, w, users, who.user); });
             }));
  router.add("PUT", "/api/blocks/:id", Lane::kWorker, signed_in(context, [&](const Request& r, const Identity& who) {
               return set_blocked(context, r, who, true);
             }));
  router.add("DELETE", "/api/blocks/:id", Lane::kWorker, signed_in(context, [&](const Request& r, const Identity& who) {
               return set_blocked(context, r, who, false);
             }));
}

}  // namespace simpleim::api
