#include "service/accounts/tokens.h"

#include <fcntl.h>
#include <jwt.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace simpleim::service {
namespace {

constexpr auto kIssuer = "simpleim";
constexpr auto kAudience = "simpleim";
/// libjwt writes the header's `typ` itself, so the kind of token is a claim.
constexpr auto kUse = "access";
constexpr std::int64_t kSkewSeconds = 60;
constexpr std::size_t kMaxToken = 2048;

using Jwt = std::unique_ptr<jwt_t, decltype(&jwt_free)>;

const unsigned char* bytes(const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string_view text_of(const char* text) { return text == nullptr ? std::string_view() : text; }

enum class Claim { kMissing, kWrong, kGood };

/// A claim that must be a whole number of at least 1. libjwt's own getter reads a string as 0, so its
/// JSON text is looked at.
Claim integer_claim(jwt_t* token, const char* name, std::int64_t& value) {
  const std::unique_ptr<char, decltype(&std::free)> json(jwt_get_grants_json(token, name), std::free);
  if (!json) return Claim::kMissing;
  const std::string_view text(json.get());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 ? Claim::kGood : Claim::kWrong;
}

/// Three base64url parts and nothing else, before a library sees it.
bool is_compact_form(std::string_view token) {
  return token.size() <= kMaxToken && std::count(token.begin(), token.end(), '.') == 2 &&
         std::all_of(token.begin(), token.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

/// Takes the same time wherever they differ.
bool is_same(const std::string& good, std::string_view given) {
  return good.size() == given.size() && sodium_memcmp(good.data(), given.data(), good.size()) == 0;
}

}  // namespace

std::string Tokens::issue(const TokenClaims& claims) const {
  jwt_t* made = nullptr;
  if (jwt_new(&made) != 0) throw std::bad_alloc();
  const Jwt token(made, jwt_free);
  jwt_set_alg(made, JWT_ALG_HS256, bytes(key_), static_cast<int>(key_.size()));
  jwt_add_grant(made, "iss", kIssuer);
  jwt_add_grant(made, "aud", kAudience);
  jwt_add_grant(made, "token_use", kUse);
  jwt_add_grant(made, "sub", claims.user.str().c_str());
  jwt_add_grant(made, "sid", claims.session.str().c_str());
  jwt_add_grant_int(made, "gen", claims.generation);
  jwt_add_grant(made, "user_id", claims.user.str().c_str());
  for (const auto& [name, text] : {std::pair("username", &claims.username), std::pair("platform", &claims.platform),
                                   std::pair("device_id", &claims.device_id)})
    if (jwt_add_grant(made, name, text->c_str()) != 0) jwt_add_grant(made, name, "");
  jwt_add_grant_int(made, "iat", claims.issued_at);
  jwt_add_grant_int(made, "exp", claims.expires_at);
  const std::unique_ptr<char, decltype(&std::free)> text(jwt_encode_str(made), std::free);
  if (!text) throw std::runtime_error("a token could not be signed");
  return text.get();
}

std::optional<TokenClaims> Tokens::verify(std::string_view token, TokenProblem& problem) const {
  problem = TokenProblem::kInvalid;
  if (!is_compact_form(token)) return std::nullopt;
  jwt_t* decoded = nullptr;
  const std::string copy(token);
  if (jwt_decode(&decoded, copy.c_str(), bytes(key_), static_cast<int>(key_.size())) != 0) return std::nullopt;
  const Jwt owner(decoded, jwt_free);
  // The library reads "hs256" as HS256; the standard does not.
  if (jwt_get_alg(decoded) != JWT_ALG_HS256 || text_of(jwt_get_header(decoded, "alg")) != "HS256" ||
      text_of(jwt_get_grant(decoded, "token_use")) != kUse)
    return std::nullopt;
  if (text_of(jwt_get_grant(decoded, "iss")) != kIssuer || text_of(jwt_get_grant(decoded, "aud")) != kAudience)
    return std::nullopt;
  const auto user = base::UserId::parse(text_of(jwt_get_grant(decoded, "sub")));
  const auto session = base::SessionId::parse(text_of(jwt_get_grant(decoded, "sid")));
  std::int64_t issued = 0;
  std::int64_t expires = 0;
  std::int64_t not_before = 0;
  std::int64_t generation = 0;
  (void)integer_claim(decoded, "gen", generation);  // missing in older tokens, and 0 reads as wrong
  if (!user || !session || integer_claim(decoded, "iat", issued) != Claim::kGood ||
      integer_claim(decoded, "exp", expires) != Claim::kGood ||
      integer_claim(decoded, "nbf", not_before) == Claim::kWrong)
    return std::nullopt;
  const auto now = clock_.now_ms() / 1000;
  if (not_before > now + kSkewSeconds) return std::nullopt;
  if (expires <= now) {
    problem = TokenProblem::kExpired;
    return std::nullopt;
  }
  problem = TokenProblem::kNone;
  return TokenClaims{*user, *session, expires, std::max<std::int64_t>(generation, 0), issued};
}

std::string Tokens::seal(std::string_view use, const std::string& text) const {
  const auto signed_text = std::string(use) + " " + text;
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> code;
  static_assert(kKeyBytes == crypto_auth_hmacsha256_KEYBYTES);
  crypto_auth_hmacsha256(code.data(), bytes(signed_text), signed_text.size(), bytes(key_));
  std::array<char, crypto_auth_hmacsha256_BYTES * 2 + 1> hex;
  sodium_bin2hex(hex.data(), hex.size(), code.data(), code.size());
  return text + "." + hex.data();
}

std::string Tokens::issue_refresh(const RefreshClaims& claims) const {
  return seal("refresh", claims.session.str() + "." + std::to_string(claims.generation));
}

std::optional<RefreshClaims> Tokens::verify_refresh(std::string_view token) const {
  if (token.size() > kMaxToken) return std::nullopt;
  const auto first = token.find('.');
  const auto second = token.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto session = base::SessionId::parse(token.substr(0, first));
  const auto number = token.substr(first + 1, second - first - 1);
  RefreshClaims claims;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), claims.generation);
  if (!session || error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  claims.session = *session;
  if (!is_same(issue_refresh(claims), token)) return std::nullopt;
  return claims;
}

std::string Tokens::issue_file_pass(const FilePass& pass) const {
  return seal("files", pass.user.str() + "." + pass.session.str());
}

std::optional<FilePass> Tokens::verify_file_pass(std::string_view text) const {
  if (text.size() > kMaxToken) return std::nullopt;
  const auto first = text.find('.');
  const auto second = text.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto user = base::UserId::parse(text.substr(0, first));
  const auto session = base::SessionId::parse(text.substr(first + 1, second - first - 1));
  if (!user || !session || !is_same(issue_file_pass({*user, *session}), text)) return std::nullopt;
  return FilePass{*user, *session};
}

std::string load_or_make_key(const std::string& path) {
  const auto failed = [&](const char* what) {
    return std::runtime_error(path + ": " + what + ": " + std::strerror(errno));
  };
  std::string key(Tokens::kKeyBytes, '\0');
  if (const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC); fd >= 0) {
    const auto got = ::read(fd, key.data(), key.size());
    ::close(fd);
    if (got != static_cast<ssize_t>(key.size()))
      throw std::runtime_error(path +
                               " is not a key of 32 bytes; remove it to have a new one made (all users sign in again)");
    return key;
  }
  if (errno != ENOENT) throw failed("cannot read the key");
  randombytes_buf(key.data(), key.size());
  // Written beside and renamed, so that a crash leaves no half key.
  const auto temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) throw failed("cannot write the key");
  const bool written = ::write(fd, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) throw failed("cannot write the key");
  return key;
}

}  // namespace simpleim::service
