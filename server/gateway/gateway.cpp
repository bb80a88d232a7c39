#include "gateway/gateway.h"

#include <algorithm>

#include "net/client_address.h"
#include "net/header_value.h"
#include "protocol/error_body.h"

namespace simpleim::gateway {
namespace {

using protocol::Error;
using protocol::ErrorCode;

/// What a client may offer, and how frames are written then.
constexpr std::pair<std::string_view, protocol::Encoding> kSubprotocols[] = {
    {"simpleim.v1", protocol::Encoding::kJson}, {"simpleim.v1.proto", protocol::Encoding::kProtobuf}};
constexpr std::string_view kBearer = "bearer.";
constexpr std::size_t kMaxDeviceId = 64;

Error busy() { return {ErrorCode::kUnavailable, "the server is busy; try again", "", 1000}; }

struct Offer {
  std::string token;
  /// The first one of ours that the client offers; "": none, and JSON.
  std::string subprotocol;
  protocol::Encoding encoding = protocol::Encoding::kJson;
};

Offer read_offer(const net::Request& request) {
  Offer out{std::string(request.param("token")), {}};
  for (const auto offered : net::split_list(request.header("sec-websocket-protocol"))) {
    for (const auto& [name, encoding] : kSubprotocols)
      if (offered == name && out.subprotocol.empty()) out.subprotocol = name, out.encoding = encoding;
    if (offered.starts_with(kBearer) && out.token.empty()) out.token = offered.substr(kBearer.size());
  }
  return out;
}

}  // namespace

Gateway::Gateway(const std::vector<net::IoThread*>& threads, GatewayContext& context, Options options)
    : context_(context), options_(std::move(options)) {
  context_.admission = &gate_;
  context_.directory.on_presence([this](service::UserId user, bool online) {
    if (online) context_.presence.set_online(user);
    else context_.presence.set_offline(user);
    announce_presence(user, online);
  });
  context_.announce_replaced = [this](Origin origin) {
    close(origin, net::CloseCode::kReplaced, "a newer connection of this user took its place");
  };
  for (auto* thread : threads) shards_.push_back(std::make_unique<Shard>(*thread, context_));
}

Gateway::~Gateway() = default;

void Gateway::connect(service::Sessions& sessions, service::CommitLoop& commits, service::LastSeen& last_seen) {
  last_seen_ = &last_seen;
  sessions_ = &sessions;
  context_.commits = &commits;
}

void Gateway::deliver(std::vector<service::Event>&& events, std::int64_t oldest_ms) {
  std::vector<service::SessionEnded> ended;
  for (const auto& event : events)
    if (const auto* session = std::get_if<service::SessionEnded>(&event)) ended.push_back(*session);
  for (const auto& session : ended) end_session(session.user, session.session);
  auto batch = make_delivery_batch(std::move(events), shards_.size(), context_.clock.now_ms());
  batch->oldest_ms = oldest_ms;
  if (context_.link != nullptr) context_.link->deliver(std::move(batch), ended);
  else post(std::move(batch));
}

void Gateway::post(std::shared_ptr<const DeliveryBatch> batch) {
  if (batch->steps.empty() &&
      std::all_of(batch->answers.begin(), batch->answers.end(), [](const auto& a) { return a.empty(); }))
    return;
  for (auto& shard : shards_) shard->post(batch);
}

void Gateway::end_session(service::UserId user, service::SessionId session) {
  for (const auto& origin : context_.directory.connections_of(user, session))
    close(origin, net::CloseCode::kRevoked, "token revoked or expired");
}

void Gateway::replace(const Connected& connected) {
  for (const auto& origin : context_.directory.replaced_by(connected.user, connected.device_id, connected.opened_ms))
    context_.announce_replaced(origin);
}

void Gateway::resync() {
  for (auto& shard : shards_) shard->thread().post([&shard = *shard] { shard.resync(); });
}

void Gateway::resync(service::UserId user, service::GroupId group, bool member) {
  for (auto& shard : shards_) shard->thread().post([=, &shard = *shard] { shard.resync(user, group, member); });
}

void Gateway::show_presence(service::UserId user, bool online) {
  for (auto& shard : shards_)
    shard->thread().post([=, &shard = *shard] {
      shard.announce_presence(user, online);
      shard.thread().flush_dirty();
    });
}

void Gateway::close(const Origin& origin, net::CloseCode code, const char* reason) {
  auto& shard = *shards_[origin.thread];
  shard.thread().post(
      [&shard, connection = origin.connection, code, reason] { shard.close(connection, code, reason); });
}

void Gateway::announce_presence(service::UserId user, bool online) {
  if (!online) last_seen_->note(user, context_.clock.now_ms());
  if (context_.link != nullptr) {
    context_.metrics.users_online.Set(static_cast<double>(context_.directory.users()));
    return context_.link->presence_changed(user, online);
  }
  {
    const std::lock_guard lock(presence_mutex_);
    presence_changes_.emplace_back(user, online);
    if (presence_changes_.size() > 1) return;  // who began the list has posted its publication
  }
  shards_.front()->thread().post([this] { publish_presence(); });
}

void Gateway::publish_presence() {
  auto changes = std::make_shared<std::vector<std::pair<service::UserId, bool>>>();
  {
    const std::lock_guard lock(presence_mutex_);
    changes->swap(presence_changes_);
  }
  context_.metrics.users_online.Set(static_cast<double>(context_.directory.users()));
  for (auto& shard : shards_)
    shard->thread().post([&shard = *shard, changes] {
      for (const auto& [user, online] : *changes) shard.announce_presence(user, online);
      shard.thread().flush_dirty();
    });
}

bool Gateway::origin_allowed(const net::Request& request) const {
  const auto origin = request.header("origin");
  if (origin.empty()) return true;  // not a browser
  if (net::is_allowed_origin(options_.allowed_origins, origin)) return true;
  const auto scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) return false;
  // Whether the page came by https is for proxies that do not say it; the name and the port have to be the same.
  const bool https = origin.starts_with("https://");
  return (https || origin.starts_with("http://")) &&
         net::plain_host(origin.substr(scheme_end + 3), https) == net::plain_host(request.host, https);
}

net::Response Gateway::refusal(const Error& error) const {
  net::Response response;
  response.status = protocol::http_status(error.code);
  response.body = protocol::error_body(error);
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (error.retry_after_ms > 0)
    response.headers.emplace_back("Retry-After", std::to_string((error.retry_after_ms + 999) / 1000));
  return response;
}

void Gateway::admit(const net::Request& request, const net::UpgradeReply& reply) {
  if (draining_) return reply(refusal({ErrorCode::kDraining, "the server is shutting down; reconnect"}));
  if (!origin_allowed(request))
    return reply(refusal(
        {ErrorCode::kOriginForbidden, "pages of this origin may not connect; add it to security.allowed_origins"}));
  auto offer = read_offer(request);
  auto candidate = std::make_shared<Candidate>(Candidate{{}, std::move(offer.subprotocol), reply});
  auto& info = candidate->info;
  info.encoding = offer.encoding;
  info.device_id = request.param("device_id");
  if (info.device_id.size() > kMaxDeviceId)
    return reply(refusal(protocol::invalid_field("device_id", "at most 64 bytes")));
  const auto mode = request.param("sync");
  if (!mode.empty() && mode != "push" && mode != "summary")
    return reply(refusal(protocol::invalid_field("sync", "push or summary")));
  info.sync = mode == "summary" ? SyncMode::kSummary : SyncMode::kPush;
  check_token(candidate, offer.token);
}

/// A token that nobody has issued gets no place in the line.
void Gateway::check_token(const std::shared_ptr<Candidate>& candidate, const std::string& token) {
  const auto accepted = context_.workers.submit([this, candidate, token] {
    const auto claims = sessions_->check(token);
    if (claims) stand_in_line(candidate, claims.value());
    else candidate->reply(refusal(claims.error()));
  });
  if (!accepted) candidate->reply(refusal(busy()));
}

void Gateway::stand_in_line(const std::shared_ptr<Candidate>& candidate, const service::TokenClaims& claims) {
  const auto accepted = gate_.enter([this, candidate, claims](const AdmissionGate::Turn& turn) {
    if (!candidate->reply.is_wanted()) return;
    if (!context_.workers.submit([this, candidate, claims, turn] { let_in(*candidate, claims, turn); }))
      candidate->reply(refusal(busy()));
  });
  if (!accepted) candidate->reply(refusal(busy()));
}

void Gateway::let_in(Candidate& candidate, const service::TokenClaims& claims, const AdmissionGate::Turn& turn) {
  auto& info = candidate.info;
  try {
    const auto who = sessions_->identify(claims);
    if (!who) return candidate.reply(refusal(who.error()));
    info.user = who.value().user;
    info.session = who.value().session;
    info.token_expires_ms = who.value().expires_at;
    if (info.device_id.empty()) info.device_id = who.value().device_id;
    const auto user = context_.store.accounts().user(info.user);
    info.hides_online = user && user->hides_online;
  } catch (const store::StoreError& e) {
    return candidate.reply(refusal(e.as_error()));
  }
  candidate.reply(net::Upgrade{
      candidate.subprotocol,
      [this, info, turn](net::IoThread& thread, const std::shared_ptr<net::WebSocket>& socket,
                         std::string_view received) { shards_[thread.index()]->open(socket, info, received, turn); }});
}

void Gateway::drain(std::int64_t over_ms) {
  draining_ = true;
  for (auto& shard : shards_) shard->thread().post([&shard = *shard, over_ms] { shard.drain(over_ms); });
}

}  // namespace simpleim::gateway
