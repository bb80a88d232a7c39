#include "service/accounts/sessions.h"

#include <sodium.h>

#include <array>

#include "base/random.h"

namespace simpleim::service {
namespace {

constexpr std::size_t kRefreshBytes = 32;

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
                   base::Random& random, const base::Clock& clock, Options options)
    : store_(store), commits_(commits), tokens_(tokens), ids_(ids), random_(random), clock_(clock), options_(options) {}

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

Result<Identity> Sessions::identify(const TokenClaims& claims) {
  std::uint64_t revocations_before = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = cache_.find(claims.session);
        found != cache_.end() && found->second.trusted_until > clock_.steady_ms()) {
      if (found->second.user != claims.user || found->second.expires_at <= clock_.now_ms()) return revoked_token();
      return Identity{claims.user, claims.session, found->second.device_id, claims.expires_at * 1000};
    }
    revocations_before = revocations_;
  }
  const auto session = store_.accounts().session(claims.session);
  if (!session || session->user != claims.user || session->expires_at <= clock_.now_ms()) return revoked_token();
  const std::lock_guard lock(mutex_);
  if (cache_.size() >= kMaxCached) cache_.clear();
  if (revocations_ == revocations_before)
    cache_.insert_or_assign(
        session->id, Cached{session->user, session->device_id, session->expires_at, clock_.steady_ms() + kTrustMs});
  return Identity{session->user, session->id, session->device_id, claims.expires_at * 1000};
}

TokenPair Sessions::make_pair(store::Session& session) {
  TokenPair pair;
  const auto now = clock_.now_ms();
  pair.refresh = session.id.str() + "." + random_.hex(kRefreshBytes);
  session.refresh_hash = digest(pair.refresh);
  session.last_active = now;
  session.expires_at = now + options_.refresh_s * 1000;
  pair.expires_at = now + options_.access_s * 1000;
  pair.access = tokens_.issue({session.user, session.id, pair.expires_at / 1000});
  return pair;
}

Result<std::pair<store::Session, TokenPair>> Sessions::open(store::Session session) {
  session.id = ids_.make<SessionId>();
  session.created_at = clock_.now_ms();
  auto pair = make_pair(session);
  const auto stored = commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    auto& accounts = batch.store().accounts();
    const auto user = accounts.user(session.user);
    if (!user || user->disabled) return Error{ErrorCode::kWrongCredentials, "wrong username or password"};
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
  return std::pair(std::move(session), std::move(pair));
}

Result<std::pair<store::Session, TokenPair>> Sessions::refresh(std::string_view refresh_token, std::string_view ip) {
  const auto dot = std::min(refresh_token.find('.'), refresh_token.size());
  const auto id = SessionId::parse(refresh_token.substr(0, dot));
  if (!id) return invalid_token();
  const auto presented = digest(refresh_token);
  std::optional<store::Session> renewed;
  TokenPair pair;
  bool reused = false;
  UserId user;
  const auto done = commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    auto& accounts = batch.store().accounts();
    auto session = accounts.session(*id);
    if (!session || session->expires_at <= clock_.now_ms()) return revoked_token();
    user = session->user;
    session->ip = ip;
    pair = make_pair(*session);
    if (!accounts.rotate_session(*id, presented, *session)) {
      reused = true;
      return revoked_token();
    }
    renewed = std::move(*session);
    return true;
  });
  if (reused) {
    // Spent before: either a thief has it or its owner's copy was stolen; nobody keeps the session.
    // (Somebody else may have ended it for the same reason already.)
    if (const auto ended = delete_session(user, *id); !ended && ended.error().code != ErrorCode::kNotFound)
      return ended.error();
    return revoked_token();
  }
  if (!done) return done.error();
  forget(*id);
  return std::pair(std::move(*renewed), std::move(pair));
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
