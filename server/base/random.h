#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace simpleim::base {

/// Randomness, injected so that tests can repeat a run. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(void* out, std::size_t bytes) = 0;

  std::uint64_t next();
  /// `bytes` random bytes in lower-case hexadecimal.
  std::string hex(std::size_t bytes);
};

/// libsodium's generator: fit for keys and tokens.
class SecureRandom final : public Random {
 public:
  SecureRandom();
  void fill(void* out, std::size_t bytes) override;
};

}  // namespace simpleim::base
