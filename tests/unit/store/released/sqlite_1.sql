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
