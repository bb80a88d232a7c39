#include "store/sql/schema.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "store/store.h"

namespace simpleim::store::sql {
namespace {

struct Step {
  /// The version of SQLite's schema that it first came with, from when a version was many statements; 0: later.
  int release;
  /// By `simpleim migrate`.
  bool copied;
  const char* sql;
};

/// SQL with words for what the databases call by other names (see kWords), $sqlite{…} and $mysql{…} for what only one
/// of them has, and indexes as lines of their table. What is compared or unique is $key: binary in MySQL, so that no
/// collation has a say. Identifiers are signed, as SQLite keeps them. New steps go to the end, with release 0.
constexpr std::array kSteps{
    // username_key: lower case; nickname_key: its ASCII letters are.
    Step{1, true, R"sql(
CREATE TABLE user (
  id $id,
  username $name NOT NULL,
  username_key $key(255) NOT NULL UNIQUE,
  nickname $name NOT NULL,
  nickname_key $key(1020) NOT NULL,
  password_hash $key(255) NOT NULL,
  bio $text NOT NULL$sqlite{ DEFAULT ''},
  avatar_file_id $key(64) NOT NULL DEFAULT '',
  created_at $int NOT NULL,
  last_seen $int NOT NULL DEFAULT 0,
  disabled $small NOT NULL DEFAULT 0,
  INDEX user_nickname (nickname_key$mysql{(255)})
) $rows)sql"},
    Step{1, true, R"sql(
CREATE TABLE session (
  id $id,
  user_id $int NOT NULL$sqlite{ REFERENCES user(id)},
  device_id $name NOT NULL,
  device_name $name NOT NULL,
  platform $name NOT NULL,
  ip $short NOT NULL,
  refresh_hash $key(255) NOT NULL,
  created_at $int NOT NULL,
  last_active $int NOT NULL,
  expires_at $int NOT NULL,
  INDEX session_user (user_id)
) $rows)sql"},
    Step{1, true, R"sql(
CREATE TABLE block (
  user_id $int NOT NULL,
  blocked_id $int NOT NULL,
  created_at $int NOT NULL,
  PRIMARY KEY (user_id, blocked_id)
) $tree)sql"},
    Step{1, true, R"sql(
CREATE TABLE chat_group (
  id $id,
  name $text NOT NULL,
  description $text NOT NULL,
  announcement $text NOT NULL,
  avatar_file_id $key(64) NOT NULL,
  join_policy $small NOT NULL,
  history_for_all $small NOT NULL,
  owner_id $int NOT NULL,
  created_at $int NOT NULL,
  member_count $int NOT NULL DEFAULT 0,
  INDEX chat_group_owner (owner_id)
) $rows)sql"},
    Step{1, true, R"sql(
CREATE TABLE group_member (
  group_id $int NOT NULL,
  user_id $int NOT NULL,
  role $small NOT NULL,
  nickname $name NOT NULL,
  joined_at $int NOT NULL,
  joined_seq $int NOT NULL,
  muted_until $int NOT NULL,
  PRIMARY KEY (group_id, user_id),
  INDEX group_member_user (user_id)
) $tree)sql"},
    Step{1, true, R"sql(
CREATE TABLE join_request (
  group_id $int NOT NULL,
  user_id $int NOT NULL,
  created_at $int NOT NULL,
  PRIMARY KEY (group_id, user_id)
) $tree)sql"},
    // low and high as in base::ConversationId. SQLite's last_* lag behind by what the journal still holds. MySQL's
    // rules
    // counts changes of who may write here (members, roles, blocks).
    Step{1, true, R"sql(
CREATE TABLE conversation (
  id $counted,
  low $int NOT NULL,
  high $int NOT NULL,
  last_seq $int NOT NULL DEFAULT 0,
  last_timestamp $int NOT NULL DEFAULT 0,
  $mysql{rules $int NOT NULL DEFAULT 0},
  UNIQUE $mysql{KEY conversation_users (low, high)}$sqlite{(high, low)}
) $rows)sql"},
    Step{1, true, R"sql(
CREATE TABLE conversation_state (
  user_id $int NOT NULL,
  conversation_id $int NOT NULL,
  read_seq $int NOT NULL,
  delivered_seq $int NOT NULL,
  pinned $small NOT NULL DEFAULT 0,
  muted $small NOT NULL DEFAULT 0,
  archived $small NOT NULL DEFAULT 0,
  draft $long NOT NULL DEFAULT (''),
  PRIMARY KEY (user_id, conversation_id)
) $tree)sql"},
    // A committed batch of messages, until it is archived into message and message_key
    // (docs/decisions/0001-journal.md).
    Step{1, false, R"sql($sqlite{
CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  messages BLOB NOT NULL
) STRICT})sql"},
    // key = conversation.id << 32 | seq: one integer key gives order, uniqueness and clustering. message_id in the
    // short
    // form of packed_id.h. From edited_at on: what operations did (protocol::Amendment); NULL: nothing.
    Step{1, false, R"sql(
CREATE TABLE message (
  `key` $id,
  message_id $bytes(65) NOT NULL$mysql{ UNIQUE},
  sender_id $int NOT NULL,
  type $type NOT NULL,
  timestamp $int NOT NULL,
  content $long NOT NULL,
  $mysql{edited_at $int},
  $mysql{recalled_at $int},
  $mysql{recalled_by $int},
  $mysql{version $int}
) $rows)sql"},
    Step{1, false, R"sql($sqlite{
CREATE TABLE message_key (
  message_id BLOB PRIMARY KEY,
  key INTEGER NOT NULL
) STRICT, WITHOUT ROWID})sql"},
    // user_id 0: everyone.
    Step{1, true, R"sql(
CREATE TABLE mention (
  conversation_id $int NOT NULL,
  user_id $int NOT NULL,
  seq $int NOT NULL,
  sender_id $int NOT NULL,
  PRIMARY KEY (conversation_id, user_id, seq),
  $mysql{INDEX mention_seq (conversation_id, seq)}
) $tree)sql"},
    Step{2, false, "$sqlite{ALTER TABLE message ADD COLUMN edited_at INTEGER}"},
    Step{2, false, "$sqlite{ALTER TABLE message ADD COLUMN recalled_at INTEGER}"},
    Step{2, false, "$sqlite{ALTER TABLE message ADD COLUMN recalled_by INTEGER}"},
    Step{2, false, "$sqlite{ALTER TABLE message ADD COLUMN version INTEGER}"},
    Step{2, false, "$sqlite{CREATE INDEX mention_seq ON mention(conversation_id, seq)}"},
    // What operations changed of messages that lie in another database (store/message_archive.h), until it is changed
    // there.
    Step{2, false, R"sql($mysql{
CREATE TABLE amendment (
  `key` $id,
  sender_id $int NOT NULL,
  type $type NOT NULL,
  content $long NOT NULL,
  edited_at $int NOT NULL,
  recalled_at $int NOT NULL,
  recalled_by $int NOT NULL,
  version $int NOT NULL
) $rows})sql"},
    // In the following, key is that of the message concerned, as in message.
    // What an edited message said before; version: seq of the edit that replaced it.
    Step{2, true, R"sql(
CREATE TABLE message_version (
  `key` $int NOT NULL,
  version $int NOT NULL,
  timestamp $int NOT NULL,
  content $long NOT NULL,
  PRIMARY KEY (`key`, version)
) $tree)sql"},
    Step{2, true, R"sql(
CREATE TABLE reaction (
  `key` $int NOT NULL,
  emoji $key(128) NOT NULL,
  user_id $int NOT NULL,
  PRIMARY KEY (`key`, emoji, user_id)
) $tree)sql"},
    Step{2, true, R"sql(
CREATE TABLE pin (
  `key` $id,
  user_id $int NOT NULL,
  timestamp $int NOT NULL
) $rows)sql"},
    // sha256 and thumbnail name contents of the file store (64 hexadecimal digits; thumbnail may be empty).
    Step{2, true, R"sql(
CREATE TABLE file (
  id $id,
  owner_id $int NOT NULL,
  sha256 $key(64) NOT NULL,
  size $int NOT NULL,
  name $text NOT NULL,
  mime $name NOT NULL,
  kind $small NOT NULL,
  width $int NOT NULL,
  height $int NOT NULL,
  duration_ms $int NOT NULL,
  thumbnail $key(64) NOT NULL,
  created_at $int NOT NULL,
  is_avatar $small NOT NULL DEFAULT 0,
  INDEX file_owner (owner_id, size),
  INDEX file_content (sha256),
  INDEX file_thumbnail (thumbnail)$sqlite{ WHERE thumbnail <> ''}
) $rows)sql"},
    Step{2, true, R"sql(
CREATE TABLE file_place (
  file_id $int NOT NULL,
  `key` $int NOT NULL,
  PRIMARY KEY (file_id, `key`),
  INDEX file_place_key (`key`)
) $tree)sql"},
    Step{2, false, R"sql(
CREATE TABLE upload (
  id $key(64) PRIMARY KEY,
  owner_id $int NOT NULL,
  size $int NOT NULL,
  name $text NOT NULL,
  as_file $small NOT NULL,
  duration_ms $int NOT NULL,
  created_at $int NOT NULL,
  file_id $int NOT NULL DEFAULT 0,
  INDEX upload_owner (owner_id)
) $tree)sql"},
    // From message_id on: the message as it was when it was reported.
    Step{3, true, R"sql(
CREATE TABLE report (
  id $id,
  reporter_id $int NOT NULL,
  reason $small NOT NULL,
  note $text NOT NULL,
  created_at $int NOT NULL,
  message_id $key(64) NOT NULL,
  low $int NOT NULL,
  high $int NOT NULL,
  seq $int NOT NULL,
  sender_id $int NOT NULL,
  type $type NOT NULL,
  timestamp $int NOT NULL,
  content $long NOT NULL,
  UNIQUE (reporter_id, message_id)
) $rows)sql"},
    // Calls that ring or go on; answered_at 0: it rings. due_at: when it ends by itself.
    Step{4, false, R"sql(
CREATE TABLE current_call (
  id $key(64) PRIMARY KEY,
  caller_id $int NOT NULL,
  callee_id $int NOT NULL,
  video $small NOT NULL,
  began_at $int NOT NULL,
  answered_at $int NOT NULL,
  due_at $int NOT NULL,
  INDEX current_call_caller (caller_id),
  INDEX current_call_callee (callee_id),
  INDEX current_call_due (due_at)
) $tree)sql"},
    // One row a batch, for the other nodes (store/commit_log.h).
    Step{4, false, R"sql($mysql{
CREATE TABLE commit_log (
  id $counted,
  token $bytes(16) NOT NULL UNIQUE,
  node $name NOT NULL,
  at $int NOT NULL,
  changes MEDIUMBLOB NOT NULL
) $rows})sql"},
    // What all nodes have in common and none brings along.
    Step{4, false, R"sql($mysql{
CREATE TABLE setting (
  name $key(64) PRIMARY KEY,
  value BLOB NOT NULL
) $rows})sql"},
    // confirmed: a token of this generation has been used.
    Step{0, true, "ALTER TABLE session ADD COLUMN generation $int NOT NULL DEFAULT 0"},
    Step{0, true, "ALTER TABLE session ADD COLUMN rotated_at $int NOT NULL DEFAULT 0"},
    Step{0, true, "ALTER TABLE session ADD COLUMN confirmed $small NOT NULL DEFAULT 1"},
    Step{0, true, "ALTER TABLE user ADD COLUMN invites $small NOT NULL DEFAULT 0"},
    Step{0, true, "ALTER TABLE user ADD COLUMN hides_online $small NOT NULL DEFAULT 0"},
    Step{0, true, "ALTER TABLE user ADD COLUMN hides_last_seen $small NOT NULL DEFAULT 0"},
    Step{0, true, R"sql(
CREATE TABLE group_restriction (
  group_id $int NOT NULL,
  user_id $int NOT NULL,
  muted_until $int NOT NULL,
  removed $small NOT NULL,
  PRIMARY KEY (group_id, user_id)
) $tree)sql"},
    Step{0, false, "ALTER TABLE current_call ADD COLUMN offer $long NOT NULL DEFAULT $sqlite{''}$mysql{('')}"},
};

/// What a word means; %: the number behind it.
struct Word {
  std::string_view word, sqlite, mysql;
  char kind;
};
constexpr std::array kWords{
    Word{"id", "INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY", 'i'},
    Word{"counted", "INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY AUTO_INCREMENT", 'i'},
    Word{"int", "INTEGER", "BIGINT", 'i'},
    Word{"small", "INTEGER", "TINYINT", 'i'},
    Word{"type", "INTEGER", "TINYINT UNSIGNED", 'i'},
    Word{"name", "TEXT", "VARCHAR(255)", 't'},
    Word{"short", "TEXT", "VARCHAR(64)", 't'},
    Word{"key", "TEXT", "VARBINARY(%)", 't'},
    Word{"text", "TEXT", "TEXT", 't'},
    Word{"long", "TEXT", "MEDIUMTEXT", 't'},
    Word{"bytes", "BLOB", "VARBINARY(%)", 'b'},
    Word{"rows", "STRICT", "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin", ' '},
    Word{"tree", "STRICT, WITHOUT ROWID", "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin", ' '},
};

/// SQLite's versions up to here were many statements each, and MySQL's first was all of them.
constexpr std::int64_t kCountedFrom = 100;

const Word& word_of(std::string_view name) {
  const auto found = std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return w.word == name; });
  if (found == kWords.end()) throw std::logic_error("the schema has an unknown word: " + std::string(name));
  return *found;
}

/// Takes what comes before `end` and it off `text`.
std::string_view take(std::string_view& text, char end) {
  const auto at = text.find(end);
  const auto taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

std::string translate(std::string_view text, Dialect dialect) {
  std::string out;
  for (auto dollar = text.find('$'); dollar != std::string_view::npos; dollar = text.find('$')) {
    out += text.substr(0, dollar);
    text.remove_prefix(dollar + 1);
    const auto length = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz");
    const auto name = text.substr(0, length);
    text.remove_prefix(name.size());
    if (text.starts_with('{')) {
      text.remove_prefix(1);
      const auto inner = take(text, '}');
      if ((name == "sqlite") == (dialect == Dialect::kSqlite)) out += translate(inner, dialect);
      continue;
    }
    std::string meaning(dialect == Dialect::kSqlite ? word_of(name).sqlite : word_of(name).mysql);
    if (name == "key" || name == "bytes") {
      text.remove_prefix(1);
      const auto size = take(text, ')');
      if (const auto at = meaning.find('%'); at != std::string::npos) meaning.replace(at, 1, size);
    }
    out += meaning;
  }
  return out += text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    while (line.ends_with(' ') || line.ends_with(',')) line.pop_back();
    if (const auto first = line.find_first_not_of(' '); first != std::string::npos) lines.push_back(line.substr(first));
  }
  return lines;
}

/// A CREATE TABLE with its indexes as statements behind it where the database wants that; lines that the other one has
/// left empty are gone.
std::string finish(const std::string& text, Dialect dialect) {
  const auto lines = lines_of(text);
  if (lines.empty() || !lines.front().starts_with("CREATE TABLE ")) return lines.empty() ? "" : lines.front();
  const auto table = lines.front().substr(13, lines.front().find(' ', 13) - 13);
  std::string body;
  std::string indexes;
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    if (dialect == Dialect::kSqlite && lines[i].starts_with("INDEX ")) {
      const auto name_end = lines[i].find(' ', 6);
      indexes += ";\nCREATE INDEX " + lines[i].substr(6, name_end - 6) + " ON " + table + lines[i].substr(name_end);
      continue;
    }
    body += (body.empty() ? "\n  " : ",\n  ") + lines[i];
  }
  return lines.front() + body + "\n" + lines.back() + indexes;
}

/// Of a line that both databases have: its column, or nothing.
void describe(const std::string& line, TableDescription& table) {
  if (line.starts_with("PRIMARY KEY"))
    table.keys = static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) + 1;
  const auto space = line.find(" $");
  if (space == std::string::npos || line.starts_with('$') || line.starts_with("UNIQUE") || line.starts_with("INDEX"))
    return;
  const auto rest = line.substr(space + 2);
  const auto word = rest.substr(0, rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz"));
  table.columns += (table.columns.empty() ? "" : ",") + line.substr(0, space);
  table.kinds += word_of(word).kind;
  if (word == "id" || word == "counted" || rest.find("PRIMARY KEY") != std::string::npos) table.keys = 1;
}

constexpr std::string_view kAlter = "ALTER TABLE ";

/// What a later release added to a table that is copied.
void add_column(const std::string& line, std::vector<TableDescription>& tables) {
  constexpr std::string_view kAdd = " ADD COLUMN ";
  const auto at = line.find(kAdd);
  const auto name = line.substr(kAlter.size(), at - kAlter.size());
  const auto table = std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.name == name; });
  if (at == std::string::npos || table == tables.end()) throw std::logic_error("not a column of a table: " + line);
  describe(line.substr(at + kAdd.size()), *table);
}

}  // namespace

std::vector<std::string> schema_steps(Dialect dialect) {
  std::vector<std::string> steps;
  steps.reserve(kSteps.size());
  for (const auto& step : kSteps) steps.push_back(finish(translate(step.sql, dialect), dialect));
  return steps;
}

std::size_t steps_done(Dialect dialect, std::int64_t version) {
  if (version == 0) return 0;
  const auto newest = version_after(kSteps.size());
  if (version > newest)
    throw StoreError(ErrorCode::kInternal, "the database has schema " + std::to_string(version) +
                                               ", this release knows up to " + std::to_string(newest) +
                                               "; use a newer simpleim");
  if (version >= kCountedFrom) return static_cast<std::size_t>(version - kCountedFrom);
  return static_cast<std::size_t>(std::count_if(kSteps.begin(), kSteps.end(), [&](const Step& step) {
    return step.release != 0 && (dialect == Dialect::kMysql || step.release <= version);
  }));
}

std::int64_t version_after(std::size_t steps) { return kCountedFrom + static_cast<std::int64_t>(steps); }

std::vector<TableDescription> copied_tables() {
  std::vector<TableDescription> tables;
  for (const auto& step : kSteps) {
    if (!step.copied) continue;
    const auto lines = lines_of(step.sql);
    if (lines.front().starts_with(kAlter)) {
      add_column(lines.front(), tables);
      continue;
    }
    auto& table = tables.emplace_back();
    table.name = lines.front().substr(13, lines.front().find(' ', 13) - 13);
    for (std::size_t i = 1; i + 1 < lines.size(); ++i) describe(lines[i], table);
  }
  return tables;
}

}  // namespace simpleim::store::sql
