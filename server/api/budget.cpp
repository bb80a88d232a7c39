#include "api/budget.h"

#include "net/client_address.h"

namespace simpleim::api {
namespace {

struct Cost {
  std::string_view method;
  std::string_view route;
  std::int64_t units;
};

/// What is not named costs 1.
constexpr Cost kCosts[] = {
    // Stored as an event and told to all members.
    {"POST", "/api/groups", 20},
    {"PATCH", "/api/groups/:id", 10},
    {"DELETE", "/api/groups/:id", 20},
    {"POST", "/api/groups/:id/join", 10},
    {"POST", "/api/groups/:id/leave", 10},
    {"POST", "/api/groups/:id/members", 10},
    {"DELETE", "/api/groups/:id/members/:uid", 10},
    {"PATCH", "/api/groups/:id/members/:uid", 10},
    {"POST", "/api/groups/:id/transfer", 10},
    {"PATCH", "/api/users/me", 5},
    {"POST", "/api/messages/:id/report", 5},
    // Many rows.
    {"GET", "/api/search/messages", 20},
    {"GET", "/api/messages/:id/receipts", 10},
    {"GET", "/api/conversations/:id/receipts", 5},
    {"GET", "/api/conversations", 5},
    {"GET", "/api/users", 5},
    {"GET", "/api/messages/:id/versions", 5},
};

std::int64_t cost_of(const net::Request& request) {
  for (const auto& cost : kCosts)
    if (cost.method == request.method && cost.route == request.route) return cost.units;
  return 1;
}

std::optional<protocol::Error> refusal_after(std::int64_t wait_ms) {
  if (wait_ms == 0) return std::nullopt;
  return protocol::Error{protocol::ErrorCode::kRateLimited, "too many requests; slow down", "", wait_ms};
}

bool is_read(const net::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

}  // namespace

std::optional<protocol::Error> Budget::charge(const net::Request& request, base::UserId user, std::int64_t now_ms) {
  auto& budget = is_read(request) ? reads_ : writes_;
  return refusal_after(budget.take(user.str(), now_ms, cost_of(request)));
}

std::optional<protocol::Error> Budget::charge_targets(std::size_t count, base::UserId user, std::int64_t now_ms) {
  return refusal_after(writes_.take(user.str(), now_ms, static_cast<std::int64_t>(count / 10)));
}

std::optional<protocol::Error> Budget::charge_stranger(const net::Request& request, std::int64_t now_ms) {
  return refusal_after(strangers_.take(net::client_key(request.remote_address), now_ms));
}

}  // namespace simpleim::api
