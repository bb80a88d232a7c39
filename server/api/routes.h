#pragma once

#include "api/api.h"
#include "api/body.h"
#include "api/reply.h"

/// One function a resource, and what they share.
namespace simpleim::api {

using service::ConversationId;
using service::GroupId;
using service::Identity;
using service::to_string;
using service::UserId;

void add_auth_routes(net::Router& router, ApiContext& context);
void add_session_routes(net::Router& router, ApiContext& context);
void add_user_routes(net::Router& router, ApiContext& context);
void add_group_routes(net::Router& router, ApiContext& context);
void add_message_routes(net::Router& router, ApiContext& context);
void add_conversation_routes(net::Router& router, ApiContext& context);
void add_receipt_routes(net::Router& router, ApiContext& context);
void add_report_routes(net::Router& router, ApiContext& context);
void add_file_routes(net::Router& router, ApiContext& context);
void add_upload_routes(net::Router& router, ApiContext& context);
void add_search_routes(net::Router& router, ApiContext& context);
void add_rtc_routes(net::Router& router, ApiContext& context);
/// `details`: /ready says what is wrong, not only where.
void add_system_routes(net::Router& router, ApiContext& context, bool details);

/// Lets some of the routes be asked over a WebSocket. The router outlives the gateway's threads.
void answer_socket_queries(const net::Router& router, ApiContext& context);
/// server/api/openapi.json: what the routes above take and answer.
std::string_view description();
/// The web client; without assets nothing is added.
/// `public_path`: "/chat", or "" at the root of its host.
void add_web_client(net::Router& router, Assets assets, const std::string& files_origin,
                    const std::string& public_path);

/// Who asks: kInvalidToken, kTokenRevoked; kUnavailable when the store does not say.
Result<Identity> authenticate(ApiContext& context, const net::Request& request);
/// A handler that knows who asks.
using SignedInHandler = std::function<net::Response(const net::Request&, const Identity&)>;
/// Wraps it: 401 without a good access token.
net::Handler signed_in(ApiContext& context, SignedInHandler handler);
/// What begins an upload; failures of the store become their own answers, as in signed_in().
net::UploadHandler guarded_upload(ApiContext& context, std::variant<net::Response, std::unique_ptr<net::BodySink>> (
                                                           *begin)(ApiContext&, const net::Request&));

/// The id in the path; nothing (answer 404) when it is malformed.
template <class AnyId>
std::optional<AnyId> path_id(const net::Request& request, std::string_view name = "id") {
  const auto found = request.path_values.find(name);
  return found == request.path_values.end() ? std::nullopt : AnyId::parse(found->second);
}

/// The members of a public profile.
void write_profile(JsonWriter& w, const store::User& user, bool online);
void write_group(JsonWriter& w, const service::GroupView& view);

/// The cookie that sign-in sets, for the paths of files alone.
constexpr std::string_view kFileCookie = "simpleim_files";

/// Success, or the error.
inline net::Response done(const Result<void>& result) { return result ? ok() : failure(result.error()); }

}  // namespace simpleim::api
