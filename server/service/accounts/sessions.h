#pragma once

#include <mutex>
#include <unordered_map>

#include "service/accounts/tokens.h"
#include "service/commit/commit_loop.h"

namespace simpleim::service {

/// Who is asking.
struct Identity {
  UserId user;
  SessionId session;
  std::string device_id;
  /// When the access token ends, ms since the epoch.
  std::int64_t expires_at = 0;
};

struct TokenPair {
  std::string access;
  std::string refresh;
  /// For files alone (Tokens::issue_file_pass).
  std::string file_pass;
  /// When the access token ends, ms since the epoch.
  std::int64_t expires_at = 0;
};

/// Signed-in devices. An access token is good only while its session exists: every use asks here.
/// Thread-safe; all calls but check() may block on the store.
class Sessions {
 public:
  struct Options {
    std::int64_t access_s = 0;
    std::int64_t refresh_s = 0;
    /// How long the answer to a refresh is given again while nothing of it has been used.
    std::int64_t grace_s = 0;
  };

  Sessions(store::Store& store, CommitLoop& commits, const Tokens& tokens, base::IdMaker& ids, const base::Clock& clock,
           Options options);

  /// What an access token says that was issued here and has not ended: kInvalidToken or kTokenRevoked. Some
  /// microseconds; does not ask whether its session still exists, and so does not block.
  Result<TokenClaims> check(std::string_view access_token) const;
  /// Whose session it is, if it still exists: kTokenRevoked.
  Result<Identity> identify(const TokenClaims& claims);
  /// Both: kInvalidToken or kTokenRevoked.
  Result<Identity> authenticate(std::string_view access_token);

  /// By what a browser's cookie says; good for files alone.
  Result<Identity> authenticate_files(std::string_view file_pass);

  /// A new session for a user who has proven who he is; `session` has the device's fields set. kWrongCredentials when
  /// his password is not `password_hash` any more: it was changed while he proved it.
  Result<std::pair<store::Session, TokenPair>> open(store::Session session, std::string_view password_hash);
  /// Spends a refresh token. The one spent last gets the same answer again for Options::grace_s as long as nothing of
  /// that answer has been used, because it may have been lost on its way; after that, and any that was spent before,
  /// is a stolen one or its owner's after a theft, and ends the session: kTokenRevoked. kInvalidToken for what was
  /// not issued here, which costs no look into the store.
  Result<std::pair<store::Session, TokenPair>> refresh(std::string_view refresh_token, std::string_view ip);

  std::vector<store::Session> list(UserId user);
  /// kNotFound when it is not one of the user's.
  Result<void> revoke(UserId user, SessionId session);
  Result<void> revoke_all(UserId user, SessionId except = {});

 private:
  struct Cached {
    UserId user;
    std::string device_id;
    std::int64_t expires_at = 0;
    std::int64_t generation = 0;
    /// Steady ms; then the store is asked again, because an operator's command may have ended it.
    std::int64_t trusted_until = 0;
  };

  /// The tokens of the session's generation; the same each time.
  TokenPair tokens_of(const store::Session& session, const std::string& username) const;
  std::optional<RefreshClaims> read_refresh(std::string_view token);
  /// Begins the next generation, or finds the answer to give again; kTokenRevoked with `stolen` set.
  Result<store::Session> rotate(Batch& batch, const RefreshClaims& claims, std::string_view ip, bool& stolen);
  /// A token of the session's newest generation is used: what came before it is spent for good.
  void confirm(const store::Session& session);
  Result<bool> delete_session(UserId user, SessionId session);
  void forget(SessionId session);

  static constexpr std::int64_t kTrustMs = 1000;
  static constexpr std::size_t kMaxCached = 100'000;
  static constexpr std::size_t kMaxSessions = 100;

  store::Store& store_;
  CommitLoop& commits_;
  const Tokens& tokens_;
  base::IdMaker& ids_;
  const base::Clock& clock_;
  const Options options_;

  std::mutex mutex_;
  std::unordered_map<SessionId, Cached, base::IdHash> cache_;
  /// Counts revocations: what was read before one is not cached after it.
  std::uint64_t revocations_ = 0;
};

}  // namespace simpleim::service
