#include "service/accounts/passwords.h"

#include <sodium.h>

#include <array>
#include <new>

namespace simpleim::service {

Passwords::Passwords(std::int64_t memory_kib, std::int64_t iterations)
    : memory_bytes_(static_cast<std::size_t>(memory_kib) * 1024),
      iterations_(static_cast<unsigned long long>(iterations)) {}

std::string Passwords::hash(std::string_view password) const {
  std::array<char, crypto_pwhash_STRBYTES> out;
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), iterations_, memory_bytes_,
                            crypto_pwhash_ALG_ARGON2ID13) != 0)
    throw std::bad_alloc();
  return out.data();
}

bool Passwords::verify(std::string_view hash, std::string_view password) const {
  return crypto_pwhash_str_verify(std::string(hash).c_str(), password.data(), password.size()) == 0;
}

void Passwords::verify_nothing(std::string_view password) const {
  // Raw hashing with today's parameters: what verify() spends on a fresh hash.
  std::array<unsigned char, 32> out;
  static constexpr std::array<unsigned char, crypto_pwhash_SALTBYTES> kSalt{};
  if (crypto_pwhash(out.data(), out.size(), password.data(), password.size(), kSalt.data(), iterations_, memory_bytes_,
                    crypto_pwhash_ALG_ARGON2ID13) != 0)
    throw std::bad_alloc();
}

bool Passwords::is_outdated(const std::string& hash) const {
  return crypto_pwhash_str_needs_rehash(hash.c_str(), iterations_, memory_bytes_) != 0;
}

}  // namespace simpleim::service
