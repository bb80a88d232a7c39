CREATE TABLE user (
  id BIGINT PRIMARY KEY,
  username VARCHAR(255) NOT NULL,
  username_key VARBINARY(255) NOT NULL,
  nickname VARCHAR(255) NOT NULL,
  nickname_key VARBINARY(1020) NOT NULL,
  password_hash VARBINARY(255) NOT NULL,
  bio TEXT NOT NULL,
  avatar_file_id VARBINARY(64) NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  last_seen BIGINT NOT NULL DEFAULT 0,
  disabled TINYINT NOT NULL DEFAULT 0,
  UNIQUE KEY user_username (username_key),
  KEY user_nickname (nickname_key(255))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE session (
  id BIGINT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  device_id VARCHAR(255) NOT NULL,
  device_name VARCHAR(255) NOT NULL,
  platform VARCHAR(255) NOT NULL,
  ip VARCHAR(64) NOT NULL,
  refresh_hash VARBINARY(255) NOT NULL,
  created_at BIGINT NOT NULL,
  last_active BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  KEY session_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE block (
  user_id BIGINT NOT NULL,
  blocked_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, blocked_id)
) ENGINE=InnoDB;

CREATE TABLE chat_group (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  announcement TEXT NOT NULL,
  avatar_file_id VARBINARY(64) NOT NULL,
  join_policy TINYINT NOT NULL,
  history_for_all TINYINT NOT NULL,
  owner_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  member_count BIGINT NOT NULL DEFAULT 0,
  KEY chat_group_owner (owner_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE group_member (
  group_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  role TINYINT NOT NULL,
  nickname VARCHAR(255) NOT NULL,
  joined_at BIGINT NOT NULL,
  joined_seq BIGINT NOT NULL,
  muted_until BIGINT NOT NULL,
  PRIMARY KEY (group_id, user_id),
  KEY group_member_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE join_request (
  group_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (group_id, user_id)
) ENGINE=InnoDB;

-- low and high as in base::ConversationId. rules counts changes of who may write here (members, roles, blocks).
CREATE TABLE conversation (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  low BIGINT NOT NULL,
  high BIGINT NOT NULL,
  last_seq BIGINT NOT NULL DEFAULT 0,
  last_timestamp BIGINT NOT NULL DEFAULT 0,
  rules BIGINT NOT NULL DEFAULT 0,
  UNIQUE KEY conversation_users (low, high)
) ENGINE=InnoDB;

CREATE TABLE conversation_state (
  user_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  read_seq BIGINT NOT NULL,
  delivered_seq BIGINT NOT NULL,
  pinned TINYINT NOT NULL DEFAULT 0,
  muted TINYINT NOT NULL DEFAULT 0,
  archived TINYINT NOT NULL DEFAULT 0,
  draft MEDIUMTEXT NOT NULL DEFAULT (''),
  PRIMARY KEY (user_id, conversation_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- key = conversation.id << 32 | seq: one integer key gives order, uniqueness and clustering.
-- message_id in the short form of store/sql/packed_id.h.
CREATE TABLE message (
  `key` BIGINT PRIMARY KEY,
  message_id VARBINARY(65) NOT NULL,
  sender_id BIGINT NOT NULL,
  type TINYINT UNSIGNED NOT NULL,
  timestamp BIGINT NOT NULL,
  content MEDIUMTEXT NOT NULL,
  edited_at BIGINT,
  recalled_at BIGINT,
  recalled_by BIGINT,
  version BIGINT,
  UNIQUE KEY message_id (message_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What operations changed of messages that lie in another database (store/message_archive.h), until it is changed there.
CREATE TABLE amendment (
  `key` BIGINT PRIMARY KEY,
  sender_id BIGINT NOT NULL,
  type TINYINT UNSIGNED NOT NULL,
  content MEDIUMTEXT NOT NULL,
  edited_at BIGINT NOT NULL,
  recalled_at BIGINT NOT NULL,
  recalled_by BIGINT NOT NULL,
  version BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- user_id 0: everyone.
CREATE TABLE mention (
  conversation_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  sender_id BIGINT NOT NULL,
  PRIMARY KEY (conversation_id, user_id, seq),
  KEY mention_seq (conversation_id, seq)
) ENGINE=InnoDB;

-- In the following, key is that of the message concerned, as in message.
-- What an edited message said before; version: seq of the edit that replaced it.
CREATE TABLE message_version (
  `key` BIGINT NOT NULL,
  version BIGINT NOT NULL,
  timestamp BIGINT NOT NULL,
  content MEDIUMTEXT NOT NULL,
  PRIMARY KEY (`key`, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE reaction (
  `key` BIGINT NOT NULL,
  emoji VARBINARY(128) NOT NULL,
  user_id BIGINT NOT NULL,
  PRIMARY KEY (`key`, emoji, user_id)
) ENGINE=InnoDB;

CREATE TABLE pin (
  `key` BIGINT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  timestamp BIGINT NOT NULL
) ENGINE=InnoDB;

-- sha256 and thumbnail name contents of the file store (64 hexadecimal digits; thumbnail may be empty).
CREATE TABLE file (
  id BIGINT PRIMARY KEY,
  owner_id BIGINT NOT NULL,
  sha256 VARBINARY(64) NOT NULL,
  size BIGINT NOT NULL,
  name TEXT NOT NULL,
  mime VARCHAR(255) NOT NULL,
  kind TINYINT NOT NULL,
  width BIGINT NOT NULL,
  height BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  thumbnail VARBINARY(64) NOT NULL,
  created_at BIGINT NOT NULL,
  is_avatar TINYINT NOT NULL DEFAULT 0,
  KEY file_owner (owner_id, size),
  KEY file_content (sha256),
  KEY file_thumbnail (thumbnail)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE file_place (
  file_id BIGINT NOT NULL,
  `key` BIGINT NOT NULL,
  PRIMARY KEY (file_id, `key`),
  KEY file_place_key (`key`)
) ENGINE=InnoDB;

CREATE TABLE upload (
  id VARBINARY(64) PRIMARY KEY,
  owner_id BIGINT NOT NULL,
  size BIGINT NOT NULL,
  name TEXT NOT NULL,
  as_file TINYINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  file_id BIGINT NOT NULL DEFAULT 0,
  KEY upload_owner (owner_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- From message_id on: the message as it was when it was reported.
CREATE TABLE report (
  id BIGINT PRIMARY KEY,
  reporter_id BIGINT NOT NULL,
  reason TINYINT NOT NULL,
  note TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  message_id VARBINARY(64) NOT NULL,
  low BIGINT NOT NULL,
  high BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  sender_id BIGINT NOT NULL,
  type TINYINT UNSIGNED NOT NULL,
  timestamp BIGINT NOT NULL,
  content MEDIUMTEXT NOT NULL,
  UNIQUE KEY report_message (reporter_id, message_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Calls that ring or go on; answered_at 0: it rings. due_at: when it ends by itself.
CREATE TABLE current_call (
  id VARBINARY(64) PRIMARY KEY,
  caller_id BIGINT NOT NULL,
  callee_id BIGINT NOT NULL,
  video TINYINT NOT NULL,
  began_at BIGINT NOT NULL,
  answered_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  KEY current_call_caller (caller_id),
  KEY current_call_callee (callee_id),
  KEY current_call_due (due_at)
) ENGINE=InnoDB;

-- One row a batch, for the other nodes (store/commit_log.h).
CREATE TABLE commit_log (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  token VARBINARY(16) NOT NULL,
  node VARCHAR(255) NOT NULL,
  at BIGINT NOT NULL,
  changes MEDIUMBLOB NOT NULL,
  UNIQUE KEY commit_log_token (token)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What all nodes have in common and none brings along.
CREATE TABLE setting (
  name VARBINARY(64) PRIMARY KEY,
  value BLOB NOT NULL
) ENGINE=InnoDB;
