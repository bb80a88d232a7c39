#include "store/mysql/mysql_store.h"

#include "store/mysql/archived_message_store.h"
#include "store/mysql/import.h"
#include "store/mysql/schema.h"

namespace simpleim::store::mysql {
namespace {

/// Nodes that start together wait for the one that is at the schema.
constexpr std::int64_t kMigrationDeadlineMs = 60'000;

std::unique_ptr<Connection> connect_to_primary(const MysqlOptions& options) {
  for (std::size_t host = 0;; ++host) {
    try {
      return std::make_unique<Connection>(options, host, Connection::Use::kWrite);
    } catch (const StoreError&) {
      if (host + 1 == options.hosts.size()) throw;
    }
  }
}

void migrate_first(MysqlOptions options) {
  options.deadline_ms = kMigrationDeadlineMs;
  const auto connection = connect_to_primary(options);
  migrate(*connection);
  if (const auto problem = import_problem(*connection); !problem.empty())
    throw StoreError(ErrorCode::kUnavailable, problem);
}

std::unique_ptr<BatchedMessageStore> make_messages(Database& db, ConversationIndex& index, MessageArchive* archive) {
  if (archive == nullptr) return std::make_unique<MysqlMessageStore>(db, index);
  return std::make_unique<ArchivedMessageStore>(db, index, *archive);
}

}  // namespace

void MysqlGroupStore::dissolve_group(GroupId id) {
  SqlGroupStore::dissolve_group(id);
  index_.change_rules(ConversationId::of(id));
}

void MysqlGroupStore::put_member(const GroupMember& member) {
  SqlGroupStore::put_member(member);
  index_.change_rules(ConversationId::of(member.group));
}

void MysqlGroupStore::remove_member(GroupId group, UserId user) {
  SqlGroupStore::remove_member(group, user);
  index_.change_rules(ConversationId::of(group));
}

void MysqlAccountStore::set_blocked(UserId user, UserId other, bool blocked, std::int64_t when) {
  SqlAccountStore::set_blocked(user, other, blocked, when);
  index_.change_rules(ConversationId::between(user, other));
}

MysqlStore::MysqlStore(MysqlOptions options, const base::Clock& clock, base::Random& random,
                       std::unique_ptr<MessageArchive> archive)
    : db_((migrate_first(options), std::move(options)), clock),
      index_(db_),
      log_(db_, clock, random),
      accounts_(db_, index_),
      groups_(db_, index_),
      archive_(std::move(archive)),
      messages_(make_messages(db_, index_, archive_.get())),
      conversations_(db_, index_),
      files_(db_, index_),
      reports_(db_),
      calls_(db_) {}

void MysqlStore::begin() {
  if (db_.begin()) index_.forget_everything();
}

void MysqlStore::commit() {
  try {
    messages_->before_commit();
    index_.write_ends();
    if (db_.has_writes()) {
      db_.commit(log_.close_batch());
    } else {
      db_.rollback();
    }
  } catch (...) {
    rollback();
    throw;
  }
  index_.after_commit();
  end_batch();
}

void MysqlStore::end_batch() {
  messages_->end_batch();
  conversations_.end_batch();
}

void MysqlStore::rollback() {
  db_.rollback();
  index_.rollback();
  end_batch();
  log_.forget_batch();
}

void MysqlStore::undo_to_mark() {
  db_.undo_to_mark();
  index_.forget_made();
}

std::vector<ConversationId> MysqlStore::claim(const Claim& claim) {
  auto conversations = claim.conversations;
  for (const auto conversation : messages_->conversations_of(claim.targets)) conversations.push_back(conversation);
  auto changed = index_.claim(std::move(conversations), messages_->look_up_question(claim.messages));
  messages_->look_up(claim.messages);
  conversations_.look_up(claim.marks);
  return changed;
}

bool MysqlStore::tidy() {
  begin();
  try {
    const bool expired = log_.expire();
    const bool tidied = messages_->tidy();
    commit();
    return expired || tidied;
  } catch (...) {
    rollback();
    throw;
  }
}

std::string MysqlStore::health() {
  auto problem = db_.health();
  return problem.empty() ? messages_->health() : problem;
}

std::string MysqlStore::setting(const std::string& name, const std::string& proposed) {
  begin();
  try {
    db_.write()
        .query("INSERT OR IGNORE INTO setting(name, value) VALUES(?, ?)")
        .bind(std::string_view(name))
        .bind_blob(proposed)
        .run();
    std::string value;
    {
      auto query = db_.write().query("SELECT value FROM setting WHERE name=?");
      if (query.bind(std::string_view(name)).step()) value = query.text();
    }
    commit();
    return value;
  } catch (...) {
    rollback();
    throw;
  }
}

}  // namespace simpleim::store::mysql
