#pragma once

#include "service/accounts/passwords.h"
#include "service/accounts/sessions.h"
#include "service/commit/commit_loop.h"

namespace simpleim::service {

/// The device a user signs in from; all texts optional.
struct Device {
  std::string id;
  std::string name;
  std::string platform;
  std::string ip;
};

struct SignedIn {
  store::User user;
  store::Session session;
  TokenPair tokens;
};

/// Accounts: registration, sign-in, profiles, block lists. Calls block; those marked (hashing) spend
/// auth.argon2_* on purpose and belong on the hashing pool. Thread-safe.
class Accounts {
 public:
  Accounts(store::Store& store, CommitLoop& commits, Sessions& sessions, const Passwords& passwords, base::IdMaker& ids,
           base::Random& random, const base::Clock& clock, std::int64_t password_min_length);

  /// (hashing) kValidation, kUsernameTaken.
  Result<store::User> create(std::string_view username, std::string_view nickname, std::string_view password);
  /// (hashing) kWrongCredentials, after the same work whether or not the user exists.
  Result<SignedIn> sign_in(std::string_view username, std::string_view password, Device device);
  /// (hashing) Ends all other sessions. kWrongCredentials, kValidation.
  Result<void> change_password(const Identity& who, std::string_view old_password, std::string_view new_password);
  /// (hashing) For the operator: sets it without the old one and ends all sessions.
  Result<void> set_password(UserId user, std::string_view new_password);
  Result<void> set_disabled(UserId user, bool disabled);

  Result<store::User> profile(UserId user);
  struct ProfileChange {
    std::optional<std::string> nickname;
    std::optional<std::string> bio;
    /// A picture of his own, or "".
    std::optional<std::string> avatar_file_id;
    std::optional<store::InviteRule> invites;
    std::optional<bool> show_online;
    std::optional<bool> show_last_seen;
  };
  Result<store::User> update_profile(UserId user, const ProfileChange& change);
  std::vector<store::User> search(std::string_view prefix, std::size_t limit);

  std::vector<store::User> blocked_by(UserId user);
  Result<void> set_blocked(UserId user, UserId other, bool blocked);

 private:
  std::optional<Error> check_password(std::string_view password) const;
  Result<bool> replace_password(UserId id, const std::string& proven, const std::string& fresh);

  store::Store& store_;
  CommitLoop& commits_;
  Sessions& sessions_;
  const Passwords& passwords_;
  base::IdMaker& ids_;
  base::Random& random_;
  const base::Clock& clock_;
  const std::size_t password_min_length_;
};

}  // namespace simpleim::service
