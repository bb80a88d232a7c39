#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"

/// What unit tests share: time and randomness they control, and a folder of their own.
namespace simpleim::test {

inline constexpr base::UserId kAlice{11};
inline constexpr base::UserId kBob{22};

class ManualClock final : public base::Clock {
 public:
  std::int64_t now_ms() const override { return now_; }
  std::int64_t steady_ms() const override { return steady_; }
  void advance(std::int64_t ms) {
    now_ += ms;
    steady_ += ms;
  }
  void set_wall(std::int64_t ms) { now_ = ms; }

 private:
  std::atomic<std::int64_t> now_ = 1'700'000'000'000;
  std::atomic<std::int64_t> steady_ = 1'000'000;
};

class SeededRandom final : public base::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(void* out, std::size_t bytes) override {
    auto* at = static_cast<unsigned char*>(out);
    for (std::size_t i = 0; i < bytes; ++i) at[i] = static_cast<unsigned char>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "simpleim-unit-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Waits for a condition; false when it does not come true in time.
inline bool wait_until(const std::function<bool()>& condition,
                       std::chrono::seconds deadline = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

inline base::MessageId message_id(const std::string& text) { return *base::MessageId::parse(text); }

}  // namespace simpleim::test
