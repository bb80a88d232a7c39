#include "store/sql/sql_account_store.h"

#include <algorithm>

namespace simpleim::store::sql {
namespace {

#define USER_COLUMNS                                                                              \
  "id, username, nickname, password_hash, bio, avatar_file_id, created_at, last_seen, disabled, " \
  "invites, hides_online, hides_last_seen"
#define SESSION_COLUMNS                                                                                    \
  "id, user_id, device_id, device_name, platform, ip, refresh_hash, created_at, last_active, expires_at, " \
  "generation, rotated_at, confirmed"

/// Lower case for ASCII only: the same on every machine, whatever its locale.
std::string folded(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

User read_user(Query& q) {
  User u;
  u.id = UserId{q.id()};
  u.username = q.text();
  u.nickname = q.text();
  u.password_hash = q.text();
  u.bio = q.text();
  u.avatar_file_id = q.text();
  u.created_at = q.integer();
  u.last_seen = q.integer();
  u.disabled = q.flag();
  u.invites = static_cast<InviteRule>(q.integer());
  u.hides_online = q.flag();
  u.hides_last_seen = q.flag();
  return u;
}

Session read_session(Query& q) {
  Session s;
  s.id = SessionId{q.id()};
  s.user = UserId{q.id()};
  s.device_id = q.text();
  s.device_name = q.text();
  s.platform = q.text();
  s.ip = q.text();
  s.refresh_hash = q.text();
  s.created_at = q.integer();
  s.last_active = q.integer();
  s.expires_at = q.integer();
  s.generation = q.integer();
  s.rotated_at = q.integer();
  s.confirmed = q.flag();
  return s;
}

std::vector<User> read_users(Query& query) {
  std::vector<User> found;
  while (query.step()) found.push_back(read_user(query));
  return found;
}

}  // namespace

std::optional<User> SqlAccountStore::user(UserId id) {
  auto db = db_.read();
  auto query = db->query("SELECT " USER_COLUMNS " FROM user WHERE id=?");
  if (!query.bind(id.value).step()) return std::nullopt;
  return read_user(query);
}

std::optional<User> SqlAccountStore::user_by_name(std::string_view username) {
  const auto key = folded(username);
  auto db = db_.read();
  auto query = db->query("SELECT " USER_COLUMNS " FROM user WHERE username_key=?");
  if (!query.bind(std::string_view(key)).step()) return std::nullopt;
  return read_user(query);
}

std::vector<User> SqlAccountStore::find_users(std::string_view prefix, std::size_t limit) {
  // A range instead of LIKE: uses the index, and no character of the user's is a wildcard.
  const auto low = folded(prefix);
  const auto high = low + "\xf4\x8f\xbf\xbf";
  auto db = db_.read();
  auto query = db->query("SELECT " USER_COLUMNS
                         " FROM user WHERE disabled=0 AND id IN ("
                         "SELECT id FROM user WHERE username_key BETWEEN ? AND ? UNION SELECT id FROM user WHERE "
                         "nickname_key BETWEEN ? AND ?) "
                         "ORDER BY username_key LIMIT ?");
  for (int range = 0; range < 2; ++range) query.bind(std::string_view(low)).bind(std::string_view(high));
  query.bind(static_cast<std::int64_t>(limit));
  return read_users(query);
}

std::vector<User> SqlAccountStore::users(const std::vector<UserId>& ids) {
  std::vector<User> found;
  auto db = db_.read();
  auto query = db->query("SELECT " USER_COLUMNS " FROM user WHERE id=?");
  for (const auto id : ids)
    if (query.again().bind(id.value).step()) found.push_back(read_user(query));
  return found;
}

std::vector<User> SqlAccountStore::list_users(UserId after, std::size_t limit) {
  auto db = db_.read();
  auto query = db->query("SELECT " USER_COLUMNS " FROM user WHERE id > ? ORDER BY id LIMIT ?");
  query.bind(after.value).bind(static_cast<std::int64_t>(limit));
  return read_users(query);
}

bool SqlAccountStore::create_user(const User& user) {
  const auto name_key = folded(user.username);
  const auto nickname_key = folded(user.nickname);
  auto& db = db_.write();
  {
    auto taken = db.query("SELECT 1 FROM user WHERE username_key=?");
    if (taken.bind(std::string_view(name_key)).step()) return false;
  }
  db.query(
        "INSERT INTO user(id, username, username_key, nickname, nickname_key, password_hash, bio, avatar_file_id, "
        "created_at) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(user.id.value)
      .bind(std::string_view(user.username))
      .bind(std::string_view(name_key))
      .bind(std::string_view(user.nickname))
      .bind(std::string_view(nickname_key))
      .bind(std::string_view(user.password_hash))
      .bind(std::string_view(user.bio))
      .bind(std::string_view(user.avatar_file_id))
      .bind(user.created_at)
      .run();
  return true;
}

void SqlAccountStore::update_profile(const User& user) {
  const auto nickname_key = folded(user.nickname);
  db_.write()
      .query(
          "UPDATE user SET nickname=?, nickname_key=?, bio=?, avatar_file_id=?, invites=?, hides_online=?, "
          "hides_last_seen=? WHERE id=?")
      .bind(std::string_view(user.nickname))
      .bind(std::string_view(nickname_key))
      .bind(std::string_view(user.bio))
      .bind(std::string_view(user.avatar_file_id))
      .bind(static_cast<int>(user.invites))
      .bind(user.hides_online)
      .bind(user.hides_last_seen)
      .bind(user.id.value)
      .run();
}

void SqlAccountStore::set_password(UserId id, std::string_view password_hash) {
  db_.write().query("UPDATE user SET password_hash=? WHERE id=?").bind(password_hash).bind(id.value).run();
}

void SqlAccountStore::set_disabled(UserId id, bool disabled) {
  db_.write().query("UPDATE user SET disabled=? WHERE id=?").bind(disabled).bind(id.value).run();
}

void SqlAccountStore::set_last_seen(UserId id, std::int64_t when) {
  db_.write()
      .query("UPDATE user SET last_seen=? WHERE id=? AND last_seen < ?")
      .bind(when)
      .bind(id.value)
      .bind(when)
      .run();
}

std::optional<Session> SqlAccountStore::session(SessionId id) {
  auto db = db_.read();
  auto query = db->query("SELECT " SESSION_COLUMNS " FROM session WHERE id=?");
  if (!query.bind(id.value).step()) return std::nullopt;
  return read_session(query);
}

std::vector<Session> SqlAccountStore::sessions_of(UserId user) {
  std::vector<Session> found;
  auto db = db_.read();
  auto query = db->query("SELECT " SESSION_COLUMNS " FROM session WHERE user_id=? ORDER BY last_active DESC, id DESC");
  query.bind(user.value);
  while (query.step()) found.push_back(read_session(query));
  return found;
}

void SqlAccountStore::create_session(const Session& s) {
  db_.write()
      .query("INSERT INTO session(" SESSION_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(s.id.value)
      .bind(s.user.value)
      .bind(std::string_view(s.device_id))
      .bind(std::string_view(s.device_name))
      .bind(std::string_view(s.platform))
      .bind(std::string_view(s.ip))
      .bind(std::string_view(s.refresh_hash))
      .bind(s.created_at)
      .bind(s.last_active)
      .bind(s.expires_at)
      .bind(s.generation)
      .bind(s.rotated_at)
      .bind(s.confirmed)
      .run();
}

bool SqlAccountStore::rotate_session(SessionId id, std::int64_t from, const Session& renewed) {
  auto& db = db_.write();
  db.query(
        "UPDATE session SET generation=?, rotated_at=?, confirmed=0, last_active=?, expires_at=?, ip=? WHERE id=? AND "
        "generation=?")
      .bind(renewed.generation)
      .bind(renewed.rotated_at)
      .bind(renewed.last_active)
      .bind(renewed.expires_at)
      .bind(std::string_view(renewed.ip))
      .bind(id.value)
      .bind(from)
      .run();
  return db.changes() == 1;
}

void SqlAccountStore::confirm_session(SessionId id, std::int64_t generation) {
  db_.write().query("UPDATE session SET confirmed=1 WHERE id=? AND generation=?").bind(id.value).bind(generation).run();
}

bool SqlAccountStore::delete_session(SessionId id) {
  auto& db = db_.write();
  db.query("DELETE FROM session WHERE id=?").bind(id.value).run();
  return db.changes() == 1;
}

std::vector<UserId> SqlAccountStore::blocked_by(UserId user) {
  std::vector<UserId> found;
  auto db = db_.read();
  auto query = db->query("SELECT blocked_id FROM block WHERE user_id=? ORDER BY created_at DESC, blocked_id");
  query.bind(user.value);
  while (query.step()) found.push_back(UserId{query.id()});
  return found;
}

bool SqlAccountStore::has_blocked(UserId user, UserId other) {
  auto db = db_.read();
  auto query = db->query("SELECT 1 FROM block WHERE user_id=? AND blocked_id=?");
  return query.bind(user.value).bind(other.value).step();
}

void SqlAccountStore::set_blocked(UserId user, UserId other, bool blocked, std::int64_t when) {
  if (blocked)
    db_.write()
        .query("INSERT OR IGNORE INTO block(user_id, blocked_id, created_at) VALUES(?, ?, ?)")
        .bind(user.value)
        .bind(other.value)
        .bind(when)
        .run();
  else db_.write().query("DELETE FROM block WHERE user_id=? AND blocked_id=?").bind(user.value).bind(other.value).run();
}

}  // namespace simpleim::store::sql
