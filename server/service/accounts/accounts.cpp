#include "service/accounts/accounts.h"

#include "base/random.h"
#include "base/utf8.h"
#include "base/visible_text.h"
#include "service/limits/text_rules.h"
#include "service/messages/file_access.h"

namespace simpleim::service {
namespace {

constexpr std::size_t kMaxPassword = 128;
constexpr std::size_t kMaxSearch = 50;

Error wrong_credentials() { return {ErrorCode::kWrongCredentials, "wrong username or password"}; }

}  // namespace

Accounts::Accounts(store::Store& store, CommitLoop& commits, Sessions& sessions, const Passwords& passwords,
                   base::IdMaker& ids, base::Random& random, const base::Clock& clock, std::int64_t password_min_length)
    : store_(store),
      commits_(commits),
      sessions_(sessions),
      passwords_(passwords),
      ids_(ids),
      random_(random),
      clock_(clock),
      password_min_length_(static_cast<std::size_t>(password_min_length)) {}

std::optional<Error> Accounts::check_password(std::string_view password) const {
  const auto length = base::code_points(password);
  if (length < password_min_length_ || length > kMaxPassword)
    return protocol::invalid_field("password", std::to_string(password_min_length_) + " to " +
                                                   std::to_string(kMaxPassword) + " characters are needed");
  return std::nullopt;
}

Result<store::User> Accounts::create(std::string_view username, std::string_view nickname, std::string_view password) {
  if (auto error = check_username(username)) return *error;
  if (auto error = check_name("nickname", nickname, 1, 64)) return *error;
  if (auto error = check_password(password)) return *error;
  const auto taken = [] {
    return Error{ErrorCode::kUsernameTaken, "username: it is taken; choose another", "username"};
  };
  if (store_.accounts().user_by_name(username)) return taken();
  store::User user;
  user.id = ids_.make<UserId>();
  user.username = username;
  user.nickname = base::normalized(nickname);
  user.created_at = clock_.now_ms();
  user.password_hash = passwords_.hash(password);
  return commits_.run<store::User>([&](Batch& batch) -> Result<store::User> {
    while (batch.store().accounts().user(user.id)) user.id = ids_.make<UserId>();
    if (!batch.store().accounts().create_user(user)) return taken();
    return user;
  });
}

Result<SignedIn> Accounts::sign_in(std::string_view username, std::string_view password, Device device) {
  if (base::code_points(password) > kMaxPassword) return wrong_credentials();
  const auto user = store_.accounts().user_by_name(username);
  if (!user) {
    passwords_.verify_nothing(password);
    return wrong_credentials();
  }
  if (!passwords_.verify(user->password_hash, password) || user->disabled) return wrong_credentials();
  auto verified = user->password_hash;
  if (passwords_.is_outdated(verified)) {
    auto fresh = passwords_.hash(password);
    const auto stored = replace_password(user->id, verified, fresh);
    if (!stored) return stored.error();
    verified = std::move(fresh);
  }
  store::Session session;
  session.user = user->id;
  session.device_id = device.id.empty() ? "device_" + random_.hex(8) : std::move(device.id);
  session.device_name = std::move(device.name);
  session.platform = std::move(device.platform);
  session.ip = std::move(device.ip);
  auto opened = sessions_.open(std::move(session), verified);
  if (!opened) return opened.error();
  return SignedIn{*user, std::move(opened->first), std::move(opened->second)};
}

/// Passwords are proven for a long time: another one may have been set meanwhile, and must stay.
Result<bool> Accounts::replace_password(UserId id, const std::string& proven, const std::string& fresh) {
  return commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    const auto now = batch.store().accounts().user(id);
    if (!now || now->password_hash != proven) return wrong_credentials();
    batch.store().accounts().set_password(id, fresh);
    return true;
  });
}

Result<void> Accounts::change_password(const Identity& who, std::string_view old_password,
                                       std::string_view new_password) {
  if (auto error = check_password(new_password)) {
    error->field = "new_password";
    return *error;
  }
  const auto user = store_.accounts().user(who.user);
  if (!user) return protocol::not_found();
  if (!passwords_.verify(user->password_hash, old_password))
    return Error{ErrorCode::kWrongCredentials, "old_password: it is not the current password", "old_password"};
  const auto stored = replace_password(who.user, user->password_hash, passwords_.hash(new_password));
  if (!stored) return stored.error();
  return sessions_.revoke_all(who.user, who.session);
}

Result<void> Accounts::set_password(UserId user, std::string_view new_password) {
  if (auto error = check_password(new_password)) return *error;
  const auto hash = passwords_.hash(new_password);
  const auto stored = commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    if (!batch.store().accounts().user(user)) return protocol::not_found();
    batch.store().accounts().set_password(user, hash);
    return true;
  });
  if (!stored) return stored.error();
  return sessions_.revoke_all(user);
}

Result<void> Accounts::set_disabled(UserId user, bool disabled) {
  const auto stored = commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    if (!batch.store().accounts().user(user)) return protocol::not_found();
    batch.store().accounts().set_disabled(user, disabled);
    return true;
  });
  if (!stored) return stored.error();
  return disabled ? sessions_.revoke_all(user) : Result<void>();
}

Result<store::User> Accounts::profile(UserId user) {
  auto found = store_.accounts().user(user);
  if (!found) return protocol::not_found();
  return std::move(*found);
}

Result<store::User> Accounts::update_profile(UserId user, const ProfileChange& change) {
  if (change.nickname)
    if (auto error = check_name("nickname", *change.nickname, 1, 64)) return *error;
  if (change.bio)
    if (auto error = check_text("bio", *change.bio, 0, 500, true)) return *error;
  return commits_.run<store::User>([&](Batch& batch) -> Result<store::User> {
    auto found = batch.store().accounts().user(user);
    if (!found) return protocol::not_found();
    if (change.nickname) found->nickname = base::normalized(*change.nickname);
    if (change.bio) found->bio = *change.bio;
    if (change.avatar_file_id) {
      if (auto error = change_avatar(batch.store(), found->avatar_file_id, *change.avatar_file_id, user)) return *error;
      found->avatar_file_id = *change.avatar_file_id;
    }
    if (change.invites) found->invites = *change.invites;
    if (change.show_online) found->hides_online = !*change.show_online;
    if (change.show_last_seen) found->hides_last_seen = !*change.show_last_seen;
    batch.store().accounts().update_profile(*found);
    if (change.show_online) batch.emit(PresenceHidden{user, found->hides_online});
    return std::move(*found);
  });
}

std::vector<store::User> Accounts::search(std::string_view prefix, std::size_t limit) {
  return store_.accounts().find_users(prefix, std::min(limit, kMaxSearch));
}

std::vector<store::User> Accounts::blocked_by(UserId user) {
  return store_.accounts().users(store_.accounts().blocked_by(user));
}

Result<void> Accounts::set_blocked(UserId user, UserId other, bool blocked) {
  if (user == other) return Error{ErrorCode::kConflict, "user_id: you cannot block yourself", "user_id"};
  const auto stored = commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    if (!batch.store().accounts().user(other)) return protocol::not_found();
    batch.store().accounts().set_blocked(user, other, blocked, batch.now_ms());
    batch.permissions().forget_private(ConversationId::between(user, other));
    return true;
  });
  if (!stored) return stored.error();
  return {};
}

}  // namespace simpleim::service
