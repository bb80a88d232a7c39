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
