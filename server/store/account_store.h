#pragma once

#include "store/records.h"

namespace simpleim::store {

/// Users, their sessions and their block lists.
/// Reads: any thread, blocking. Writes: only inside a batch of Store (its thread), and durable when
/// the batch is. A failing backend throws StoreError.
class AccountStore {
 public:
  virtual ~AccountStore() = default;

  virtual std::optional<User> user(UserId id) = 0;
  /// Usernames compare without case (ASCII).
  virtual std::optional<User> user_by_name(std::string_view username) = 0;
  /// At most `limit` users whose username or nickname begins with `prefix`, by username; disabled
  /// ones are left out.
  virtual std::vector<User> find_users(std::string_view prefix, std::size_t limit) = 0;
  /// The users among `ids` that exist, in no particular order.
  virtual std::vector<User> users(const std::vector<UserId>& ids) = 0;
  /// All users in order of their id, from after `after`.
  virtual std::vector<User> list_users(UserId after, std::size_t limit) = 0;

  /// False when the username is taken.
  virtual bool create_user(const User& user) = 0;
  /// Writes nickname, bio, avatar, and what he lets others do and see.
  virtual void update_profile(const User& user) = 0;
  virtual void set_password(UserId id, std::string_view password_hash) = 0;
  virtual void set_disabled(UserId id, bool disabled) = 0;
  virtual void set_last_seen(UserId id, std::int64_t when) = 0;

  virtual std::optional<Session> session(SessionId id) = 0;
  virtual std::vector<Session> sessions_of(UserId user) = 0;
  virtual void create_session(const Session& session) = 0;
  /// Begins renewed.generation, not confirmed, and moves rotated_at, last_active, expires_at and ip; false when the
  /// session is not (any more) of generation `from`: somebody else was first.
  virtual bool rotate_session(SessionId id, std::int64_t from, const Session& renewed) = 0;
  /// Tokens of this generation are in use; nothing when the session has gone on meanwhile.
  virtual void confirm_session(SessionId id, std::int64_t generation) = 0;
  virtual bool delete_session(SessionId id) = 0;

  /// Whom `user` has blocked, newest first.
  virtual std::vector<UserId> blocked_by(UserId user) = 0;
  virtual bool has_blocked(UserId user, UserId other) = 0;
  virtual void set_blocked(UserId user, UserId other, bool blocked, std::int64_t when) = 0;
};

}  // namespace simpleim::store
