#include "api/routes.h"

/// Telling whoever runs the server about a message.
namespace simpleim::api {
namespace {

net::Response report(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto message = path_id<base::MessageId>(request);
  if (!message) return failure(protocol::not_found());
  Body body(request);
  const auto reason_text = body.text("reason");
  const auto note = body.optional_text("note");
  if (body.error()) return failure(*body.error());
  const auto reason = service::report_reason(reason_text);
  if (!reason) return failure(protocol::invalid_field("reason", "spam, abuse, illegal or other is needed"));
  const auto id = context.reports.report(me.user, *message, *reason, note.value_or(""));
  if (!id) return failure(id.error());
  return ok([&](JsonWriter& w) { w.field("report_id", id.value().str()); });
}

}  // namespace

void add_report_routes(net::Router& router, ApiContext& context) {
  router.add("POST", "/api/messages/:id/report", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               return report(context, request, me);
             }));
}

}  // namespace simpleim::api
