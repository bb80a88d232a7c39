#pragma once

#include <openssl/evp.h>

#include <array>
#include <string>
#include <string_view>

namespace simpleim::store {

/// SHA-256 (FIPS 180-4), as contents are named by it: 64 lower-case hexadecimal digits.
class Sha256 {
 public:
  static constexpr std::size_t kBytes = 32;

  Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  std::string hex() {
    std::array<unsigned char, kBytes> digest;
    EVP_DigestFinal_ex(context_, digest.data(), nullptr);
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out;
    for (const auto byte : digest) {
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
    return out;
  }
  static bool is_hex(std::string_view text) {
    return text.size() == 2 * kBytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace simpleim::store
