#include "store/sql/sql_report_store.h"

namespace simpleim::store::sql {
namespace {

#define REPORT_COLUMNS \
  "id, reporter_id, reason, note, created_at, message_id, low, high, seq, sender_id, type, timestamp, content"

Report read_report(Query& q) {
  Report r;
  r.id = ReportId{q.id()};
  r.reporter = UserId{q.id()};
  r.reason = static_cast<ReportReason>(q.integer());
  r.note = q.text();
  r.created_at = q.integer();
  r.message.id = MessageId::parse(q.text()).value_or(MessageId());
  r.message.conversation.low = q.id();
  r.message.conversation.high = q.id();
  r.message.seq = q.integer();
  r.message.from = UserId{q.id()};
  r.message.type = static_cast<protocol::FrameType>(q.integer());
  r.message.timestamp = q.integer();
  r.message.content = q.text();
  return r;
}

}  // namespace

std::optional<Report> SqlReportStore::report(UserId reporter, const MessageId& message) {
  auto db = db_.read();
  auto query = db->query("SELECT " REPORT_COLUMNS " FROM report WHERE reporter_id=? AND message_id=?");
  if (!query.bind(reporter.value).bind(message.view()).step()) return std::nullopt;
  return read_report(query);
}

std::int64_t SqlReportStore::count(UserId reporter) {
  auto db = db_.read();
  auto query = db->query("SELECT count(*) FROM report WHERE reporter_id=?");
  return query.bind(reporter.value).step() ? query.integer() : 0;
}

std::vector<Report> SqlReportStore::list(ReportId after, std::size_t limit) {
  std::vector<Report> found;
  auto db = db_.read();
  auto query = db->query("SELECT " REPORT_COLUMNS " FROM report WHERE id > ? ORDER BY id LIMIT ?");
  query.bind(after.value).bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(read_report(query));
  return found;
}

void SqlReportStore::put(const Report& report) {
  const auto& message = report.message;
  if (this->report(report.reporter, message.id)) {
    db_.write()
        .query("UPDATE report SET reason=?, note=?, created_at=?, content=? WHERE reporter_id=? AND message_id=?")
        .bind(static_cast<int>(report.reason))
        .bind(std::string_view(report.note))
        .bind(report.created_at)
        .bind(std::string_view(message.content))
        .bind(report.reporter.value)
        .bind(message.id.view())
        .run();
    return;
  }
  db_.write()
      .query("INSERT INTO report(" REPORT_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(report.id.value)
      .bind(report.reporter.value)
      .bind(static_cast<int>(report.reason))
      .bind(std::string_view(report.note))
      .bind(report.created_at)
      .bind(message.id.view())
      .bind(message.conversation.low)
      .bind(message.conversation.high)
      .bind(message.seq)
      .bind(message.from.value)
      .bind(static_cast<int>(message.type))
      .bind(message.timestamp)
      .bind(std::string_view(message.content))
      .run();
}

bool SqlReportStore::close(ReportId id) {
  auto& db = db_.write();
  db.query("DELETE FROM report WHERE id=?").bind(id.value).run();
  return db.changes() > 0;
}

}  // namespace simpleim::store::sql
