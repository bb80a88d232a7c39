#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/shard.h"
#include "net/http.h"
#include "service/accounts/last_seen.h"
#include "service/accounts/sessions.h"

namespace simpleim::gateway {

/// The WebSocket side of the server: admits connections, and brings what a commit has stored to the
/// sockets. Thread-safe unless said otherwise.
class Gateway final : public service::EventSink, public LocalSockets {
 public:
  struct Options {
    std::vector<std::string> allowed_origins;
  };

  Gateway(const std::vector<net::IoThread*>& threads, GatewayContext& context, Options options);
  ~Gateway() override;

  /// Called once before the threads start.
  void connect(service::Sessions& sessions, service::CommitLoop& commits, service::LastSeen& last_seen);

  void deliver(std::vector<service::Event>&& events, std::int64_t oldest_ms) override;

  // --- LocalSockets ---
  void post(std::shared_ptr<const DeliveryBatch> batch) override;
  void end_session(service::UserId user, service::SessionId session) override;
  void replace(const Connected& connected) override;
  void resync() override;
  void resync(service::UserId user, service::GroupId group, bool member) override;
  void show_presence(service::UserId user, bool online) override;

  /// Who answers frames 61; called once before the threads start.
  void answer_queries(decltype(GatewayContext::answer_query) answer) { context_.answer_query = std::move(answer); }
  /// The route `/ws` (protocol.md section 3).
  void admit(const net::Request& request, const net::UpgradeReply& reply);

  /// Asks every client to leave, spread over `over_ms`.
  void drain(std::int64_t over_ms);
  bool is_draining() const { return draining_; }
  std::size_t connections() const { return context_.directory.connections(); }
  std::size_t users_online() const { return context_.directory.users(); }

 private:
  /// Connections that the server is working for, to sign them in or to sync them, at the same time.
  static constexpr std::size_t kAdmittedAtOnce = 64;
  /// Connections that wait for their turn to sign in; more are refused with 503.
  static constexpr std::size_t kMaxWaiting = 32'768;

  /// A connection on its way in.
  struct Candidate {
    SessionInfo info;
    std::string subprotocol;
    net::UpgradeReply reply;
  };
  /// The three steps of admission, on workers but for the second, which is the gate's.
  void check_token(const std::shared_ptr<Candidate>& candidate, const std::string& token);
  void stand_in_line(const std::shared_ptr<Candidate>& candidate, const service::TokenClaims& claims);
  void let_in(Candidate& candidate, const service::TokenClaims& claims, const AdmissionGate::Turn& turn);
  bool origin_allowed(const net::Request& request) const;
  net::Response refusal(const protocol::Error& error) const;
  void announce_presence(service::UserId user, bool online);
  void publish_presence();
  void close(const Origin& origin, net::CloseCode code, const char* reason);

  GatewayContext& context_;
  const Options options_;
  service::Sessions* sessions_ = nullptr;
  service::LastSeen* last_seen_ = nullptr;
  std::vector<std::unique_ptr<Shard>> shards_;
  AdmissionGate gate_{kAdmittedAtOnce, kMaxWaiting};
  std::mutex presence_mutex_;
  std::vector<std::pair<service::UserId, bool>> presence_changes_;
  std::atomic<bool> draining_ = false;
};

}  // namespace simpleim::gateway
