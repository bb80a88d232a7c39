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
  /// Of the session's tokens that it came with; 0 also in tokens of releases that did not count.
  std::int64_t generation = 0;
  /// Seconds since the epoch. No reason to refuse: the signature is the server's own, and its clock may have been set
  /// back since.
  std::int64_t issued_at = 0;
  // For clients that read tokens (protocol.md section 2); the server believes none of it.
  std::string username = {};
  std::string platform = {};
  std::string device_id = {};
};

/// What a refresh token says: whose session it renews, and which of its tokens it is.
struct RefreshClaims {
  base::SessionId session;
  std::int64_t generation = 0;
};

/// Whose files a browser may load without a header: what its cookie says.
struct FilePass {
  base::UserId user;
  base::SessionId session;
};

enum class TokenProblem { kNone, kInvalid, kExpired };

/// Access tokens: JWT (RFC 7519) with HS256 and nothing else, claim `token_use` access, checked as RFC 8725
/// wants it. Thread-safe.
class Tokens {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  Tokens(std::string key, const base::Clock& clock) : key_(std::move(key)), clock_(clock) {}

  /// The same claims make the same token.
  std::string issue(const TokenClaims& claims) const;
  /// The claims, or nothing and why.
  std::optional<TokenClaims> verify(std::string_view token, TokenProblem& problem) const;

  /// `<session>.<generation>.<HMAC-SHA-256>`; the same claims make the same token.
  std::string issue_refresh(const RefreshClaims& claims) const;
  /// The claims of a token that was issued here; nothing for any other text.
  std::optional<RefreshClaims> verify_refresh(std::string_view token) const;

  /// `<user>.<session>.<HMAC-SHA-256>`; good as long as that session, and for files alone.
  std::string issue_file_pass(const FilePass& pass) const;
  std::optional<FilePass> verify_file_pass(std::string_view text) const;

 private:
  /// `text` and its code, which is good for this use alone.
  std::string seal(std::string_view use, const std::string& text) const;

  const std::string key_;
  const base::Clock& clock_;
};

/// Reads the key file, or makes it with mode 0600. Throws std::runtime_error.
std::string load_or_make_key(const std::string& path);

}  // namespace simpleim::service
