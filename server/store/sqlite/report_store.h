#pragma once

#include "store/report_store.h"
#include "store/sqlite/database.h"

namespace simpleim::store::sqlite {

class SqliteReportStore final : public ReportStore {
 public:
  explicit SqliteReportStore(Database& db) : db_(db) {}

  std::optional<Report> report(UserId reporter, const MessageId& message) override;
  std::int64_t count(UserId reporter) override;
  std::vector<Report> list(ReportId after, std::size_t limit) override;
  void put(const Report& report) override;
  bool close(ReportId id) override;

 private:
  Database& db_;
};

}  // namespace simpleim::store::sqlite
