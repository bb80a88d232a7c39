#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/expected.h"

namespace simpleim::protocol {

/// Codes of protocol.md section 2: HTTP status × 100 + n.
enum class ErrorCode : int {
  kNone = 0,
  kMalformedJson = 40001,
  kValidation = 40002,
  kInvalidToken = 40101,
  kWrongCredentials = 40102,
  kTokenRevoked = 40103,
  kNotMember = 40301,
  kRoleForbidden = 40302,
  kBlocked = 40303,
  kMuted = 40304,
  kOriginForbidden = 40305,
  kRegistrationClosed = 40306,
  kNotFound = 40401,
  kMethodNotAllowed = 40501,
  kRequestTimeout = 40801,
  kUsernameTaken = 40901,
  kMessageIdInUse = 40902,
  kConflict = 40903,
  kWindowPassed = 41001,
  kTooLarge = 41301,
  kMediaType = 41501,
  kUpgradeRequired = 42601,
  kRateLimited = 42901,
  kInternal = 50001,
  kUnavailable = 50301,
  kDraining = 50302,
  kStorageFull = 50701,
};

inline int http_status(ErrorCode code) { return static_cast<int>(code) / 100; }

/// Why something was refused: a code for programs, a text for people that says what was wrong and
/// what would be right, and for a validation error the field it is about.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string text;
  std::string field = {};
  /// For kRateLimited and kDraining: when a retry makes sense, ms from now.
  std::int64_t retry_after_ms = 0;
};

template <class T>
using Result = base::Expected<T, Error>;

inline Error invalid_field(std::string field, std::string text) {
  std::string full = field + ": " + std::move(text);
  return {ErrorCode::kValidation, std::move(full), std::move(field)};
}
inline Error not_found() { return {ErrorCode::kNotFound, "not found"}; }

}  // namespace simpleim::protocol
