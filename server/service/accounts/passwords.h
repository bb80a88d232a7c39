#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace simpleim::service {

/// argon2id in libsodium's PHC string form (RFC 9106). Blocks for as long as the parameters say and
/// holds memory_kib meanwhile, so it runs on the hashing pool only. Thread-safe.
class Passwords {
 public:
  Passwords(std::int64_t memory_kib, std::int64_t iterations);

  /// Throws std::bad_alloc when the memory is not to be had.
  std::string hash(std::string_view password) const;
  bool verify(std::string_view hash, std::string_view password) const;
  /// The same work as verify(), for a user that does not exist (reliability.md A11).
  void verify_nothing(std::string_view password) const;
  /// True when `hash` was made with other parameters than today's.
  bool is_outdated(const std::string& hash) const;

 private:
  std::size_t memory_bytes_;
  unsigned long long iterations_;
};

}  // namespace simpleim::service
