#pragma once

#include "store/sql/sql_account_store.h"
#include "store/sql/sql_call_store.h"
#include "store/sql/sql_conversation_store.h"
#include "store/sql/sql_file_index.h"
#include "store/sql/sql_group_store.h"
#include "store/sql/sql_report_store.h"
#include "store/sqlite/message_store.h"

namespace simpleim::store::sqlite {

/// The embedded default: everything in one SQLite file, `<data_dir>/simpleim.db`, whose batches are
/// on the disk when commit() returns (WAL, synchronous=FULL).
class SqliteStore final : public Store {
 public:
  /// Opens or creates the file and brings back what the journal holds. Throws StoreError.
  SqliteStore(const std::string& path, std::size_t readers);

  AccountStore& accounts() override { return accounts_; }
  GroupStore& groups() override { return groups_; }
  MessageStore& messages() override { return messages_; }
  ConversationStore& conversations() override { return conversations_; }
  FileIndex& files() override { return files_; }
  ReportStore& reports() override { return reports_; }
  CallStore& calls() override { return calls_; }

  void begin() override;
  void commit() override;
  void rollback() override;
  void mark() override { db_.mark(); }
  /// A batch's messages are not undone by this: take marks around writes that append none, or
  /// append last.
  void undo_to_mark() override;
  std::vector<ConversationId> claim(const Claim&) override { return {}; }
  CommitLog* commit_log() override { return nullptr; }
  bool tidy() override;
  std::size_t untidy() const override { return recent_.size(); }
  std::string health() override;

 private:
  Database db_;
  RecentMessages recent_;
  ConversationIndex index_;
  sql::SqlAccountStore accounts_;
  sql::SqlGroupStore groups_;
  SqliteMessageStore messages_;
  sql::SqlConversationStore conversations_;
  sql::SqlFileIndex files_;
  sql::SqlReportStore reports_;
  sql::SqlCallStore calls_;
};

}  // namespace simpleim::store::sqlite
