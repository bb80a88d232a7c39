#include "api/routes.h"

/// Groups and their members.
namespace simpleim::api {
namespace {

using net::Request;
using net::Response;
using service::Groups;
using service::GroupView;

Response group_reply(const Result<GroupView>& view) {
  if (!view) return failure(view.error());
  return ok([&](JsonWriter& w) { write_group(w, view.value()); });
}

Response create_group(ApiContext& context, const Request& request, const Identity& me) {
  Body body(request);
  const auto name = body.text("name");
  const auto description = body.optional_text("description").value_or("");
  auto members = body.users("member_ids", false);
  if (body.error()) return failure(*body.error());
  if (const auto refused = context.budget.charge_targets(members.size(), me.user, context.clock.steady_ms()))
    return failure(*refused);
  return group_reply(context.groups.create(me.user, name, description, std::move(members)));
}

Response mine(ApiContext& context, const Identity& me) {
  const auto views = context.groups.mine(me.user);
  return ok([&](JsonWriter& w) {
    w.key("groups").begin_array();
    for (const auto& view : views) {
      w.begin_object();
      write_group(w, view);
      w.end_object();
    }
    w.end_array();
  });
}

Response join(ApiContext& context, GroupId group, const Identity& me) {
  const auto joined = context.groups.join(me.user, group);
  if (!joined) return failure(joined.error());
  return ok([&](JsonWriter& w) {
    w.field("group_id", group.str())
        .field("status", joined.value() == Groups::Joined::kJoined ? "joined" : "requested");
  });
}

void write_member(JsonWriter& w, const service::MemberView& view) {
  w.field("user_id", view.member.user.str())
      .field("username", view.username)
      .field("avatar_file_id", view.avatar_file_id)
      .field("nickname", view.nickname)
      .field("role", to_string(view.member.role))
      .field("joined_at", view.member.joined_at)
      .field("muted_until", view.member.muted_until);
}

Response members(ApiContext& context, const Request& request, GroupId group, const Identity& me) {
  const auto limit = query_limit(request, 100, 500);
  if (!limit) return failure(limit.error());
  const auto cursor = request.param("cursor");
  const auto after = cursor.empty() ? UserId() : UserId::parse(cursor);
  if (!after) return failure(protocol::invalid_field("cursor", "the next_cursor of a page is needed"));
  const auto page = context.groups.members(me.user, group, *after, limit.value());
  if (!page) return failure(page.error());
  return ok([&](JsonWriter& w) {
    w.key("members").begin_array();
    for (const auto& member : page.value().members) {
      w.begin_object();
      write_member(w, member);
      w.end_object();
    }
    w.end_array().field("next_cursor", page.value().next ? page.value().next.str() : "");
  });
}

std::optional<store::JoinPolicy> parse_policy(std::string_view text) {
  for (const auto policy : {store::JoinPolicy::kOpen, store::JoinPolicy::kApproval, store::JoinPolicy::kInvite})
    if (text == to_string(policy)) return policy;
  return std::nullopt;
}

Response update(ApiContext& context, const Request& request, GroupId group, const Identity& me) {
  Body body(request);
  Groups::Change change;
  change.name = body.optional_text("name");
  change.description = body.optional_text("description");
  change.announcement = body.optional_text("announcement");
  change.avatar_file_id = body.optional_text("avatar_file_id");
  if (const auto policy = body.optional_text("join_policy")) {
    change.join_policy = parse_policy(*policy);
    if (!change.join_policy) body.fail(protocol::invalid_field("join_policy", "open, approval or invite is needed"));
  }
  if (const auto history = body.optional_text("history")) {
    if (*history != "all" && *history != "since_joined")
      body.fail(protocol::invalid_field("history", "all or since_joined is needed"));
    change.history_for_all = *history == "all";
  }
  if (body.error()) return failure(*body.error());
  return group_reply(context.groups.update(me.user, group, change));
}

Response invite(ApiContext& context, const Request& request, GroupId group, const Identity& me) {
  Body body(request);
  auto users = body.users(body.has("member_ids") ? "member_ids" : "user_ids", true);
  if (body.error()) return failure(*body.error());
  if (const auto refused = context.budget.charge_targets(users.size(), me.user, context.clock.steady_ms()))
    return failure(*refused);
  const auto added = context.groups.invite(me.user, group, std::move(users));
  if (!added) return failure(added.error());
  return ok([&](JsonWriter& w) {
    w.key("added").begin_array();
    for (const auto user : added.value()) w.value(user.str());
    w.end_array();
  });
}

Response requests(ApiContext& context, GroupId group, const Identity& me) {
  const auto users = context.groups.join_requests(me.user, group);
  if (!users) return failure(users.error());
  return ok([&](JsonWriter& w) {
    w.key("requests").begin_array();
    for (const auto& user : users.value())
      w.begin_object()
          .field("user_id", user.id.str())
          .field("username", user.username)
          .field("nickname", user.nickname)
          .end_object();
    w.end_array();
  });
}

Response update_member(ApiContext& context, const Request& request, GroupId group, const Identity& me) {
  const auto user = path_id<UserId>(request, "uid");
  if (!user) return failure(protocol::not_found());
  Body body(request);
  Groups::MemberChange change;
  if (const auto role = body.optional_text("role")) {
    if (*role == "admin") change.role = store::Role::kAdmin;
    else if (*role == "member") change.role = store::Role::kMember;
    else if (*role == "owner") change.role = store::Role::kOwner;
    else body.fail(protocol::invalid_field("role", "admin or member is needed"));
  }
  change.muted_until = body.optional_integer("muted_until");
  if (change.muted_until && *change.muted_until < 0)
    body.fail(protocol::invalid_field("muted_until", "milliseconds since the epoch, or 0, are needed"));
  change.nickname = body.optional_text("nickname");
  if (body.error()) return failure(*body.error());
  const auto member = context.groups.update_member(me.user, group, *user, change);
  if (!member) return failure(member.error());
  return ok([&](JsonWriter& w) { write_member(w, member.value()); });
}

Response kick(ApiContext& context, const Request& request, GroupId group, const Identity& me) {
  const auto user = path_id<UserId>(request, "uid");
  if (!user) return failure(protocol::not_found());
  return done(context.groups.kick(me.user, group, *user));
}

Response transfer(ApiContext& context, const Request& request, GroupId group, const Identity& me) {
  Body body(request);
  const auto user = body.user("user_id");
  if (body.error()) return failure(*body.error());
  return done(context.groups.transfer(me.user, group, user));
}

using GroupHandler = std::function<Response(const Request&, GroupId, const Identity&)>;

void add(net::Router& router, ApiContext& context, const char* method, const char* pattern, GroupHandler handler) {
  router.add(method, pattern, net::Lane::kWorker,
             signed_in(context, [handler = std::move(handler)](const Request& request, const Identity& me) {
               const auto group = path_id<GroupId>(request);
               return group ? handler(request, *group, me) : failure(protocol::not_found());
             }));
}

}  // namespace

void add_group_routes(net::Router& router, ApiContext& context) {
  using net::Lane;
  router.add("POST", "/api/groups", Lane::kWorker,
             signed_in(context, [&](const Request& r, const Identity& me) { return create_group(context, r, me); }));
  router.add("GET", "/api/groups/my", Lane::kWorker,
             signed_in(context, [&](const Request&, const Identity& me) { return mine(context, me); }));
  add(router, context, "GET", "/api/groups/:id",
      [&](const Request&, GroupId g, const Identity& me) { return group_reply(context.groups.view(me.user, g)); });
  add(router, context, "PATCH", "/api/groups/:id",
      [&](const Request& r, GroupId g, const Identity& me) { return update(context, r, g, me); });
  add(router, context, "DELETE", "/api/groups/:id",
      [&](const Request&, GroupId g, const Identity& me) { return done(context.groups.dissolve(me.user, g)); });
  add(router, context, "POST", "/api/groups/:id/join",
      [&](const Request&, GroupId g, const Identity& me) { return join(context, g, me); });
  add(router, context, "POST", "/api/groups/:id/leave",
      [&](const Request&, GroupId g, const Identity& me) { return done(context.groups.leave(me.user, g)); });
  add(router, context, "GET", "/api/groups/:id/members",
      [&](const Request& r, GroupId g, const Identity& me) { return members(context, r, g, me); });
  add(router, context, "POST", "/api/groups/:id/members",
      [&](const Request& r, GroupId g, const Identity& me) { return invite(context, r, g, me); });
  add(router, context, "GET", "/api/groups/:id/requests",
      [&](const Request&, GroupId g, const Identity& me) { return requests(context, g, me); });
  add(router, context, "DELETE", "/api/groups/:id/members/:uid",
      [&](const Request& r, GroupId g, const Identity& me) { return kick(context, r, g, me); });
  add(router, context, "PATCH", "/api/groups/:id/members/:uid",
      [&](const Request& r, GroupId g, const Identity& me) { return update_member(context, r, g, me); });
  add(router, context, "POST", "/api/groups/:id/transfer",
      [&](const Request& r, GroupId g, const Identity& me) { return transfer(context, r, g, me); });
}

}  // namespace simpleim::api
