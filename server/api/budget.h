#pragma once

#include <optional>

#include "base/ids.h"
#include "net/http.h"
#include "protocol/error.h"
#include "service/limits/rate_limit.h"

/// What a user may ask of the REST part in a minute, by what it costs others: rows read, events stored and told to all
/// members, work on the commit thread. Strangers share one by address (IPv6: /64). The table stands in
/// docs/operations.md.
namespace simpleim::api {

class Budget {
 public:
  /// Units a minute; 0: no limit.
  Budget(std::int64_t reads, std::int64_t writes, std::int64_t strangers)
      : reads_(reads), writes_(writes), strangers_(strangers) {}

  /// kRateLimited when the request costs more than is left. Thread-safe, does not block.
  std::optional<protocol::Error> charge(const net::Request& request, base::UserId user, std::int64_t now_ms);
  /// Of one that names many: a unit for every ten of `count`.
  std::optional<protocol::Error> charge_targets(std::size_t count, base::UserId user, std::int64_t now_ms);
  /// Somebody without a good token.
  std::optional<protocol::Error> charge_stranger(const net::Request& request, std::int64_t now_ms);

 private:
  service::KeyedRateLimit reads_;
  service::KeyedRateLimit writes_;
  service::KeyedRateLimit strangers_;
};

}  // namespace simpleim::api
