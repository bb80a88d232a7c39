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
