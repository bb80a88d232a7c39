#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

/// How the backends are, asked at most once a second whoever wants to know: anybody may.
namespace simpleim::api {

class Readiness {
 public:
  /// "" for what answers, else what is wrong, in words that may name hosts and users.
  struct Parts {
    std::string store;
    std::string bus;
    std::string files;
  };

  /// `ask` may block for the deadlines of the backends. Thread-safe; who comes meanwhile waits for the same answer.
  Parts parts(std::int64_t steady_ms, const std::function<Parts()>& ask) {
    const std::lock_guard lock(mutex_);
    if (asked_ms_ < 0 || steady_ms - asked_ms_ >= kHoldsMs) {
      parts_ = ask();
      asked_ms_ = steady_ms;
    }
    return parts_;
  }

 private:
  static constexpr std::int64_t kHoldsMs = 1000;

  std::mutex mutex_;
  std::int64_t asked_ms_ = -1;
  Parts parts_;
};

}  // namespace simpleim::api
