#include "api/routes.h"

/// Signed-in devices.
namespace simpleim::api {

void add_session_routes(net::Router& router, ApiContext& context) {
  router.add("GET", "/api/sessions", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request&, const Identity& me) {
               const auto sessions = context.sessions.list(me.user);
               return ok([&](JsonWriter& w) {
                 w.key("sessions").begin_array();
                 for (const auto& s : sessions)
                   w.begin_object()
                       .field("session_id", s.id.str())
                       .field("device_id", s.device_id)
                       .field("name", s.device_name)
                       .field("platform", s.platform)
                       .field("ip", s.ip)
                       .field("created_at", s.created_at)
                       .field("last_active", s.last_active)
                       .field("current", s.id == me.session)
                       .end_object();
                 w.end_array();
               });
             }));
  router.add("DELETE", "/api/sessions/:id", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               const auto session = path_id<base::SessionId>(request);
               if (!session) return failure(protocol::not_found());
               return done(context.sessions.revoke(me.user, *session));
             }));
}

}  // namespace simpleim::api
