#pragma once

#include "store/commit_log.h"
#include "store/mysql/database.h"

namespace simpleim::store::mysql {

class MysqlCommitLog final : public CommitLog {
 public:
  explicit MysqlCommitLog(Database& db, const base::Clock& clock, base::Random& random)
      : db_(db), clock_(clock), random_(random) {}

  void append(std::string_view changes) override;
  std::vector<LoggedCommit> since(std::int64_t position, std::size_t limit) override;
  std::vector<std::int64_t> positions(std::int64_t after, std::int64_t to) override;
  std::optional<LoggedCommit> at(std::int64_t position) override;
  std::int64_t newest() override;

  /// The batch's token; its row is written if append() was not called. Throws StoreError.
  std::string close_batch();
  void forget_batch() { token_.clear(); }
  /// Deletes some of what is too old; false when nothing was.
  bool expire();

 private:
  Database& db_;
  const base::Clock& clock_;
  base::Random& random_;
  std::string token_;
};

}  // namespace simpleim::store::mysql
