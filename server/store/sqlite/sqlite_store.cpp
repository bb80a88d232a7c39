#include "store/sqlite/sqlite_store.h"

namespace simpleim::store::sqlite {
namespace {

/// Operations of one tidy(): about a millisecond of work, so that a message never waits long for it.
constexpr std::size_t kTidyOperations = 512;

}  // namespace

SqliteStore::SqliteStore(const std::string& path, std::size_t readers)
    : db_(path, readers),
      index_(db_, recent_),
      accounts_(db_),
      groups_(db_),
      messages_(db_, recent_, index_),
      conversations_(db_, index_),
      files_(db_, index_),
      reports_(db_),
      calls_(db_) {
  db_.begin();
  messages_.load_journal();
  db_.commit();
}

void SqliteStore::begin() {
  db_.begin();
  messages_.begin(false);
}

void SqliteStore::commit() {
  try {
    messages_.before_commit();
    db_.commit();
  } catch (...) {
    rollback();
    throw;
  }
  messages_.after_commit();
}

void SqliteStore::rollback() {
  db_.rollback();
  messages_.rollback();
  index_.rollback();
}

void SqliteStore::undo_to_mark() {
  db_.undo_to_mark();
  index_.rollback();
}

bool SqliteStore::tidy() {
  if (recent_.size() == 0) return false;
  db_.begin();
  try {
    messages_.begin(true);
    messages_.archive_slice(kTidyOperations);
    db_.commit();
  } catch (...) {
    rollback();
    throw;
  }
  messages_.after_commit();
  return recent_.size() != 0;
}

std::string SqliteStore::health() {
  try {
    auto db = db_.read();
    return db->query("SELECT 1").step() ? "" : "the database does not answer";
  } catch (const StoreError& e) {
    return e.what();
  }
}

}  // namespace simpleim::store::sqlite
