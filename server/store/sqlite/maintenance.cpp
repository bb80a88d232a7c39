#include "store/sqlite/maintenance.h"

#include <fcntl.h>
#include <unistd.h>

#include "store/sqlite/connection.h"
#include "store/sqlite/message_codec.h"

namespace simpleim::store::sqlite {
namespace {

std::string first_row(Connection& db, const char* sql) {
  auto query = db.query(sql);
  return query.step() ? query.text() : "";
}

}  // namespace

void sync_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::fsync(fd) != 0) {
    if (fd >= 0) ::close(fd);
    throw StoreError(ErrorCode::kInternal, "cannot bring " + path + " to the disk");
  }
  ::close(fd);
}

std::string check_file(const std::string& path) {
  Connection db(path, Connection::Access::kReadOnly);
  if (auto verdict = first_row(db, "PRAGMA integrity_check(1)"); verdict != "ok") return verdict;
  auto gaps = first_row(db,
                        "SELECT 'conversation ' || (key >> 32) || ' has gaps in seq' FROM message GROUP BY key >> 32 "
                        "HAVING max(key & 4294967295) <> count(*) LIMIT 1");
  if (!gaps.empty()) return gaps;
  auto lost = first_row(db,
                        "SELECT 'a message without its key: ' || m.key FROM message m LEFT JOIN message_key k ON "
                        "k.message_id=m.message_id "
                        "WHERE k.key IS NULL AND NOT EXISTS (SELECT 1 FROM journal) LIMIT 1");
  if (!lost.empty()) return lost;
  auto journal = db.query("SELECT messages FROM journal");
  while (journal.step()) for_each_record(journal.bytes(), [](Message&&, bool) {});
  return "";
}

void backup_file(const std::string& from, const std::string& to) {
  {
    Connection db(from, Connection::Access::kReadWrite);
    // VACUUM INTO reads one snapshot and writes a compact file; writers go on meanwhile.
    db.query("VACUUM INTO ?").bind(std::string_view(to)).run();
  }
  sync_file(to);
  if (const auto problem = check_file(to); !problem.empty())
    throw StoreError(ErrorCode::kInternal, "the backup is damaged: " + problem);
}

}  // namespace simpleim::store::sqlite
