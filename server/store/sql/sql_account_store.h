#pragma once

#include "store/account_store.h"
#include "store/sql/database.h"

namespace simpleim::store::sql {

class SqlAccountStore : public AccountStore {
 public:
  explicit SqlAccountStore(Database& db) : db_(db) {}

  std::optional<User> user(UserId id) override;
  std::optional<User> user_by_name(std::string_view username) override;
  std::vector<User> find_users(std::string_view prefix, std::size_t limit) override;
  std::vector<User> users(const std::vector<UserId>& ids) override;
  std::vector<User> list_users(UserId after, std::size_t limit) override;
  bool create_user(const User& user) override;
  void update_profile(const User& user) override;
  void set_password(UserId id, std::string_view password_hash) override;
  void set_disabled(UserId id, bool disabled) override;
  void set_last_seen(UserId id, std::int64_t when) override;

  std::optional<Session> session(SessionId id) override;
  std::vector<Session> sessions_of(UserId user) override;
  void create_session(const Session& session) override;
  bool rotate_session(SessionId id, std::int64_t from, const Session& renewed) override;
  void confirm_session(SessionId id, std::int64_t generation) override;
  bool delete_session(SessionId id) override;

  std::vector<UserId> blocked_by(UserId user) override;
  bool has_blocked(UserId user, UserId other) override;
  void set_blocked(UserId user, UserId other, bool blocked, std::int64_t when) override;

 private:
  Database& db_;
};

}  // namespace simpleim::store::sql
