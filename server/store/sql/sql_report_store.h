#pragma once

#include "store/report_store.h"
#include "store/sql/database.h"

namespace simpleim::store::sql {

class SqlReportStore final : public ReportStore {
 public:
  explicit SqlReportStore(Database& db) : db_(db) {}

  std::optional<Report> report(UserId reporter, const MessageId& message) override;
  std::int64_t count(UserId reporter) override;
  std::vector<Report> list(ReportId after, std::size_t limit) override;
  void put(const Report& report) override;
  bool close(ReportId id) override;

 private:
  Database& db_;
};

}  // namespace simpleim::store::sql
