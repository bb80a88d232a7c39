#include "store/sqlite/schema.h"

#include <array>

namespace simpleim::store::sqlite {
namespace {

/// Element n brings version n to n + 1. Released steps never change; new ones are added behind.
constexpr std::array kSteps{
    R"sql(
CREATE TABLE user (
  id INTEGER PRIMARY KEY,
  username TEXT NOT NULL,
  username_key TEXT NOT NULL UNIQUE,   -- lower case
  nickname TEXT NOT NULL,
  nickname_key TEXT NOT NULL,          -- lower case (ASCII)
  password_hash TEXT NOT NULL,
  bio TEXT NOT NULL DEFAULT '',
  avatar_file_id TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  last_seen INTEGER NOT NULL DEFAULT 0,
  disabled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX user_nickname ON user(nickname_key);

CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES user(id),
  device_id TEXT NOT NULL,
  device_name TEXT NOT NULL,
  platform TEXT NOT NULL,
  ip TEXT NOT NULL,
  refresh_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_active INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_user ON session(user_id);

CREATE TABLE block (
  user_id INTEGER NOT NULL,
  blocked_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, blocked_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_group (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  announcement TEXT NOT NULL,
  avatar_file_id TEXT NOT NULL,
  join_policy INTEGER NOT NULL,
  history_for_all INTEGER NOT NULL,
  owner_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  member_count INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX chat_group_owner ON chat_group(owner_id);

CREATE TABLE group_member (
  group_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  role INTEGER NOT NULL,
  nickname TEXT NOT NULL,
  joined_at INTEGER NOT NULL,
  joined_seq INTEGER NOT NULL,
  muted_until INTEGER NOT NULL,
  PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_user ON group_member(user_id);

CREATE TABLE join_request (
  group_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;

-- low and high as in base::ConversationId. last_* lag behind by what the journal still holds.
CREATE TABLE conversation (
  id INTEGER PRIMARY KEY,
  low INTEGER NOT NULL,
  high INTEGER NOT NULL,
  last_seq INTEGER NOT NULL DEFAULT 0,
  last_timestamp INTEGER NOT NULL DEFAULT 0,
  UNIQUE (high, low)
) STRICT;

CREATE TABLE conversation_state (
  user_id INTEGER NOT NULL,
  conversation_id INTEGER NOT NULL,
  read_seq INTEGER NOT NULL,
  delivered_seq INTEGER NOT NULL,
  pinned INTEGER NOT NULL DEFAULT 0,
  muted INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  draft TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (user_id, conversation_id)
) STRICT, WITHOUT ROWID;

-- A committed batch of messages, until it is archived into message and message_key
-- (docs/decisions/0001-journal.md).
CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  messages BLOB NOT NULL
) STRICT;

-- key = conversation.id << 32 | seq: one integer key gives order, uniqueness and clustering.
CREATE TABLE message (
  key INTEGER PRIMARY KEY,
  message_id BLOB NOT NULL,
  sender_id INTEGER NOT NULL,
  type INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  content TEXT NOT NULL
) STRICT;

-- message_id in the short form of message_codec.h.
CREATE TABLE message_key (
  message_id BLOB PRIMARY KEY,
  key INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- user_id 0: everyone.
CREATE TABLE mention (
  conversation_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  sender_id INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, user_id, seq)
) STRICT, WITHOUT ROWID;
)sql",
    R"sql(
-- What operations did (protocol::Amendment); NULL: nothing.
ALTER TABLE message ADD COLUMN edited_at INTEGER;
ALTER TABLE message ADD COLUMN recalled_at INTEGER;
ALTER TABLE message ADD COLUMN recalled_by INTEGER;
ALTER TABLE message ADD COLUMN version INTEGER;

CREATE INDEX mention_seq ON mention(conversation_id, seq);

-- In the following, key is that of the message concerned, as in message.
-- What an edited message said before; version: seq of the edit that replaced it.
CREATE TABLE message_version (
  key INTEGER NOT NULL,
  version INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (key, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE reaction (
  key INTEGER NOT NULL,
  emoji TEXT NOT NULL,
  user_id INTEGER NOT NULL,
  PRIMARY KEY (key, emoji, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE pin (
  key INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL,
  timestamp INTEGER NOT NULL
) STRICT;

-- sha256 and thumbnail name contents of the file store (64 hexadecimal digits; thumbnail may be empty).
CREATE TABLE file (
  id INTEGER PRIMARY KEY,
  owner_id INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  name TEXT NOT NULL,
  mime TEXT NOT NULL,
  kind INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  thumbnail TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  is_avatar INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX file_owner ON file(owner_id, size);
CREATE INDEX file_content ON file(sha256);
CREATE INDEX file_thumbnail ON file(thumbnail) WHERE thumbnail <> '';

CREATE TABLE file_place (
  file_id INTEGER NOT NULL,
  key INTEGER NOT NULL,
  PRIMARY KEY (file_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_place_key ON file_place(key);

CREATE TABLE upload (
  id TEXT PRIMARY KEY,
  owner_id INTEGER NOT NULL,
  size INTEGER NOT NULL,
  name TEXT NOT NULL,
  as_file INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  file_id INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_owner ON upload(owner_id);
)sql",
    R"sql(
-- From low on: the message as it was when it was reported.
CREATE TABLE report (
  id INTEGER PRIMARY KEY,
  reporter_id INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  note TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  low INTEGER NOT NULL,
  high INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  sender_id INTEGER NOT NULL,
  type INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  content TEXT NOT NULL,
  UNIQUE (reporter_id, message_id)
) STRICT;
)sql",
    R"sql(
-- Calls that ring or go on; answered_at 0: it rings. due_at: when it ends by itself.
CREATE TABLE current_call (
  id TEXT PRIMARY KEY,
  caller_id INTEGER NOT NULL,
  callee_id INTEGER NOT NULL,
  video INTEGER NOT NULL,
  began_at INTEGER NOT NULL,
  answered_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX current_call_caller ON current_call(caller_id);
CREATE INDEX current_call_callee ON current_call(callee_id);
CREATE INDEX current_call_due ON current_call(due_at);
)sql"};

}  // namespace

int schema_version() { return static_cast<int>(kSteps.size()); }

void migrate(Connection& db) {
  std::int64_t version = 0;
  {
    auto query = db.query("PRAGMA user_version");
    if (query.step()) version = query.integer();
  }
  if (version > schema_version())
    throw StoreError(ErrorCode::kInternal, "the database has schema " + std::to_string(version) +
                                               ", this release knows up to " + std::to_string(schema_version()) +
                                               "; use a newer simpleim");
  for (; version < schema_version(); ++version) {
    db.execute("BEGIN IMMEDIATE");
    try {
      db.execute(kSteps[static_cast<std::size_t>(version)]);
      db.execute(("PRAGMA user_version=" + std::to_string(version + 1)).c_str());
      db.execute("COMMIT");
    } catch (...) {
      sqlite3_exec(db.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
      throw;
    }
  }
}

}  // namespace simpleim::store::sqlite
