#pragma once

#include "base/random.h"
#include "store/message_archive.h"
#include "store/mysql/commit_log.h"
#include "store/mysql/conversation_store.h"
#include "store/mysql/message_store.h"
#include "store/sql/sql_account_store.h"
#include "store/sql/sql_call_store.h"
#include "store/sql/sql_file_index.h"
#include "store/sql/sql_group_store.h"
#include "store/sql/sql_report_store.h"

namespace simpleim::store::mysql {

/// Groups whose changes other nodes notice.
class MysqlGroupStore final : public sql::SqlGroupStore {
 public:
  MysqlGroupStore(Database& db, ConversationIndex& index) : SqlGroupStore(db), index_(index) {}

  void dissolve_group(GroupId id) override;
  void put_member(const GroupMember& member) override;
  void remove_member(GroupId group, UserId user) override;

 private:
  ConversationIndex& index_;
};

/// Accounts whose blocks other nodes notice.
class MysqlAccountStore final : public sql::SqlAccountStore {
 public:
  MysqlAccountStore(Database& db, ConversationIndex& index) : SqlAccountStore(db), index_(index) {}

  void set_blocked(UserId user, UserId other, bool blocked, std::int64_t when) override;

 private:
  ConversationIndex& index_;
};

/// Everything in one MySQL or MariaDB database that all nodes share (docs/decisions/0015).
class MysqlStore final : public Store {
 public:
  /// Connects and brings the schema up to date. `archive`: where messages go; null: into MySQL, too. Throws StoreError.
  MysqlStore(MysqlOptions options, const base::Clock& clock, base::Random& random,
             std::unique_ptr<MessageArchive> archive = nullptr);

  AccountStore& accounts() override { return accounts_; }
  GroupStore& groups() override { return groups_; }
  MessageStore& messages() override { return *messages_; }
  ConversationStore& conversations() override { return conversations_; }
  FileIndex& files() override { return files_; }
  ReportStore& reports() override { return reports_; }
  CallStore& calls() override { return calls_; }

  std::vector<ListedConversation> listed(UserId user) override { return conversations_.listed(user); }
  void begin() override;
  void commit() override;
  void rollback() override;
  void mark() override { db_.mark(); }
  /// A batch's messages are not undone by this: take marks around writes that append none, or append last.
  void undo_to_mark() override;
  std::vector<ConversationId> claim(const Claim& claim) override;
  CommitLog* commit_log() override { return &log_; }
  bool tidy() override;
  std::size_t untidy() const override { return 0; }
  std::string health() override;

  /// What all nodes have in common under this name: `proposed` the first time it is asked for, and the same ever after.
  std::string setting(const std::string& name, const std::string& proposed);

 private:
  void end_batch();

  Database db_;
  ConversationIndex index_;
  MysqlCommitLog log_;
  MysqlAccountStore accounts_;
  MysqlGroupStore groups_;
  const std::unique_ptr<MessageArchive> archive_;
  const std::unique_ptr<BatchedMessageStore> messages_;
  MysqlConversationStore conversations_;
  sql::SqlFileIndex files_;
  sql::SqlReportStore reports_;
  sql::SqlCallStore calls_;
};

}  // namespace simpleim::store::mysql
