#include "service/accounts/sessions.h"

#include <sodium.h>

#include <array>

#include "base/random.h"

namespace simpleim::service {
namespace {

constexpr std::size_t kOldSecretDigits = 64;

std::string digest(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> raw;
  crypto_hash_sha256(raw.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::array<char, crypto_hash_sha256_BYTES * 2 + 1> hex;
  sodium_bin2hex(hex.data(), hex.size(), raw.data(), raw.size());
  return hex.data();
}

Error invalid_token() { return {ErrorCode::kInvalidToken, "invalid token"}; }
Error revoked_token() { return {ErrorCode::kTokenRevoked, "token revoked or expired; sign in again"}; }

}  // namespace

Sessions::Sessions(store::Store& store, CommitLoop& commits, const Tokens& tokens, base::IdMaker& ids,
                   const base::Clock& clock, Options options)
    : store_(store), commits_(commits), tokens_(tokens), ids_(ids), clock_(clock), options_(options) {}

Result<TokenClaims> Sessions::check(std::string_view access_token) const {
  TokenProblem problem{};
  const auto claims = tokens_.verify(access_token, problem);
  if (!claims) return problem == TokenProblem::kExpired ? revoked_token() : invalid_token();
  return *claims;
}

Result<Identity> Sessions::authenticate(std::string_view access_token) {
  const auto claims = check(access_token);
  if (!claims) return claims.error();
  return identify(claims.value());
}

Result<Identity> Sessions::authenticate_files(std::string_view file_pass) {
  const auto pass = tokens_.verify_file_pass(file_pass);
  if (!pass) return invalid_token();
  TokenClaims claims;
  claims.user = pass->user;
  claims.session = pass->session;
  return identify(claims);
}

Result<Identity> Sessions::identify(const TokenClaims& claims) {
  std::uint64_t revocations_before = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = cache_.find(claims.session); found != cache_.end() &&
                                                        found->second.trusted_until > clock_.steady_ms() &&
                                                        found->second.generation >= claims.generation) {
      if (found->second.user != claims.user || found->second.expires_at <= clock_.now_ms()) return revoked_token();
      return Identity{claims.user, claims.session, found->second.device_id, claims.expires_at * 1000};
    }
    revocations_before = revocations_;
  }
  const auto session = store_.accounts().session(claims.session);
  if (!session || session->user != claims.user || session->expires_at <= clock_.now_ms()) return revoked_token();
  if (!session->confirmed && session->generation == claims.generation) confirm(*session);
  const std::lock_guard lock(mutex_);
  if (cache_.size() >= kMaxCached) cache_.clear();
  if (revocations_ == revocations_before)
    cache_.insert_or_assign(session->id, Cached{session->user, session->device_id, session->expires_at,
                                                session->generation, clock_.steady_ms() + kTrustMs});
  return Identity{session->user, session->id, session->device_id, claims.expires_at * 1000};
}

TokenPair Sessions::tokens_of(const store::Session& session, const std::string& username) const {
  TokenPair pair;
  pair.refresh = tokens_.issue_refresh({session.id, session.generation});
  pair.file_pass = tokens_.issue_file_pass({session.user, session.id});
  pair.expires_at = session.rotated_at + options_.access_s * 1000;
  pair.access = tokens_.issue({session.user, session.id, pair.expires_at / 1000, session.generation,
                               session.rotated_at / 1000, username, session.platform, session.device_id});
  return pair;
}

Result<std::pair<store::Session, TokenPair>> Sessions::open(store::Session session, std::string_view password_hash) {
  const auto now = clock_.now_ms();
  session.id = ids_.make<SessionId>();
  session.created_at = session.last_active = session.rotated_at = now;
  session.expires_at = now + options_.refresh_s * 1000;
  std::string username;
  const auto stored = commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    auto& accounts = batch.store().accounts();
    const auto user = accounts.user(session.user);
    if (!user || user->disabled || user->password_hash != password_hash)
      return Error{ErrorCode::kWrongCredentials, "wrong username or password"};
    username = user->username;
    auto old = accounts.sessions_of(session.user);
    for (std::size_t i = kMaxSessions - 1; i < old.size(); ++i) {
      accounts.delete_session(old[i].id);
      batch.emit(SessionEnded{session.user, old[i].id});
      forget(old[i].id);
    }
    accounts.create_session(session);
    return true;
  });
  if (!stored) return stored.error();
  auto pair = tokens_of(session, username);
  return std::pair(std::move(session), std::move(pair));
}

std::optional<RefreshClaims> Sessions::read_refresh(std::string_view token) {
  if (auto claims = tokens_.verify_refresh(token)) return claims;
  // Of a release before generations: `<session>.<secret>`, of which the store has the hash.
  const auto dot = token.find('.');
  if (dot == std::string_view::npos || token.size() != dot + 1 + kOldSecretDigits) return std::nullopt;
  const auto id = SessionId::parse(token.substr(0, dot));
  const auto session = id ? store_.accounts().session(*id) : std::nullopt;
  if (!session || session->refresh_hash.empty() || session->refresh_hash != digest(token)) return std::nullopt;
  return RefreshClaims{*id, 0};
}

Result<store::Session> Sessions::rotate(Batch& batch, const RefreshClaims& claims, std::string_view ip, bool& stolen) {
  auto& accounts = batch.store().accounts();
  auto session = accounts.session(claims.session);
  const auto now = clock_.now_ms();
  if (!session || session->expires_at <= now) return revoked_token();
  const auto from = session->generation;
  if (claims.generation < from) {
    const bool lost =
        claims.generation == from - 1 && !session->confirmed && now - session->rotated_at <= options_.grace_s * 1000;
    if (lost) return std::move(*session);
    stolen = true;
    return revoked_token();
  }
  // A generation that the store does not know of yet was issued before an older backup took its place.
  session->generation = claims.generation + 1;
  session->rotated_at = session->last_active = now;
  session->expires_at = now + options_.refresh_s * 1000;
  session->ip = ip;
  session->confirmed = false;
  if (!accounts.rotate_session(claims.session, from, *session)) return revoked_token();
  return std::move(*session);
}

Result<std::pair<store::Session, TokenPair>> Sessions::refresh(std::string_view refresh_token, std::string_view ip) {
  const auto claims = read_refresh(refresh_token);
  if (!claims) return invalid_token();
  bool stolen = false;
  UserId user;
  std::string username;
  auto renewed = commits_.run<store::Session>([&](Batch& batch) -> Result<store::Session> {
    stolen = false;  // a batch may be tried again
    auto session = rotate(batch, *claims, ip, stolen);
    const auto owner = batch.store().accounts().session(claims->session);
    if (owner) user = owner->user;
    if (const auto found = batch.store().accounts().user(user)) username = found->username;
    return session;
  });
  if (stolen) {
    // (Somebody else may have ended it for the same reason already.)
    if (const auto ended = delete_session(user, claims->session); !ended && ended.error().code != ErrorCode::kNotFound)
      return ended.error();
    return revoked_token();
  }
  if (!renewed) return renewed.error();
  forget(claims->session);
  auto pair = tokens_of(renewed.value(), username);
  return std::pair(std::move(renewed.value()), std::move(pair));
}

void Sessions::confirm(const store::Session& session) {
  // When the store is busy the next use of a token does it.
  (void)commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    batch.store().accounts().confirm_session(session.id, session.generation);
    return true;
  });
}

std::vector<store::Session> Sessions::list(UserId user) { return store_.accounts().sessions_of(user); }

Result<bool> Sessions::delete_session(UserId user, SessionId session) {
  auto deleted = commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    const auto found = batch.store().accounts().session(session);
    if (!found || found->user != user) return protocol::not_found();
    batch.store().accounts().delete_session(session);
    batch.emit(SessionEnded{user, session});
    return true;
  });
  forget(session);
  return deleted;
}

Result<void> Sessions::revoke(UserId user, SessionId session) {
  const auto deleted = delete_session(user, session);
  if (!deleted) return deleted.error();
  return {};
}

Result<void> Sessions::revoke_all(UserId user, SessionId except) {
  for (const auto& session : list(user)) {
    if (session.id == except) continue;
    const auto deleted = delete_session(user, session.id);
    if (!deleted && deleted.error().code != ErrorCode::kNotFound) return deleted.error();
  }
  return {};
}

void Sessions::forget(SessionId session) {
  const std::lock_guard lock(mutex_);
  cache_.erase(session);
  ++revocations_;
}

}  // namespace simpleim::service
