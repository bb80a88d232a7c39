#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"

namespace simpleim::service {

/// What an access token says.
struct TokenClaims {
  base::UserId user;
  base::SessionId session;
  /// Seconds since the epoch.
  std::int64_t expires_at = 0;
};

enum class TokenProblem { kNone, kInvalid, kExpired };

/// Access tokens: JWT (RFC 7519) with HS256 and nothing else, claim `token_use` access, checked as RFC 8725
/// wants it. Thread-safe.
class Tokens {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  Tokens(std::string key, const base::Clock& clock) : key_(std::move(key)), clock_(clock) {}

  std::string issue(const TokenClaims& claims) const;
  /// The claims, or nothing and why.
  std::optional<TokenClaims> verify(std::string_view token, TokenProblem& problem) const;

 private:
  const std::string key_;
  const base::Clock& clock_;
};

/// Reads the key file, or makes it with mode 0600. Throws std::runtime_error.
std::string load_or_make_key(const std::string& path);

}  // namespace simpleim::service
