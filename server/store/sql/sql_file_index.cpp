#include "store/sql/sql_file_index.h"

#include "store/sql/row_key.h"

namespace simpleim::store::sql {

std::optional<File> SqlFileIndex::file(FileId id) {
  auto db = db_.read();
  auto query = db->query(
      "SELECT owner_id, sha256, size, name, mime, kind, width, height, duration_ms, thumbnail, created_at, is_avatar "
      "FROM file WHERE id=?");
  if (!query.bind(id.value).step()) return std::nullopt;
  File f;
  f.id = id;
  f.owner = UserId{query.id()};
  f.sha256 = query.text();
  f.size = query.integer();
  f.name = query.text();
  f.mime = query.text();
  f.kind = static_cast<FileKind>(query.integer());
  f.width = query.integer();
  f.height = query.integer();
  f.duration_ms = query.integer();
  f.thumbnail = query.text();
  f.created_at = query.integer();
  f.is_avatar = query.flag();
  return f;
}

FileIndex::Usage SqlFileIndex::usage(UserId owner) {
  auto db = db_.read();
  auto query = db->query("SELECT count(*), ifnull(sum(size), 0) FROM file WHERE owner_id=?");
  Usage usage;
  if (!query.bind(owner.value).step()) return usage;
  usage.files = query.integer();
  usage.bytes = query.integer();
  auto open = db->query("SELECT ifnull(sum(size), 0) FROM upload WHERE owner_id=? AND file_id=0");
  if (open.bind(owner.value).step()) usage.announced_bytes = open.integer();
  return usage;
}

std::vector<FilePlace> SqlFileIndex::places(FileId id, std::size_t limit) {
  std::vector<FilePlace> found;
  auto db = db_.read();
  auto query = db->query(
      "SELECT p.key, c.low, c.high FROM file_place p JOIN conversation c ON c.id = p.key >> 32 WHERE p.file_id=? "
      "ORDER BY p.key DESC LIMIT ?");
  query.bind(id.value).bind(static_cast<std::int64_t>(limit));
  while (query.step()) {
    FilePlace place;
    place.seq = query.integer() & kSeqMask;
    place.conversation.low = query.id();
    place.conversation.high = query.id();
    found.push_back(place);
  }
  return found;
}

bool SqlFileIndex::is_content_used(const std::string& sha256) {
  auto db = db_.read();
  auto query = db->query(
      "SELECT EXISTS (SELECT 1 FROM file WHERE sha256=?) OR EXISTS (SELECT 1 FROM file WHERE thumbnail=? AND thumbnail "
      "<> '')");
  return query.bind(std::string_view(sha256)).bind(std::string_view(sha256)).step() && query.flag();
}

std::vector<FileId> SqlFileIndex::unsent(std::int64_t before, std::size_t limit) {
  std::vector<FileId> found;
  auto db = db_.read();
  // Ids are ordered by time: the scan begins at the oldest.
  auto query = db->query(
      "SELECT id FROM file WHERE created_at < ? AND is_avatar=0 AND NOT EXISTS (SELECT 1 FROM file_place WHERE "
      "file_id=file.id) ORDER BY id LIMIT ?");
  query.bind(before).bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(FileId{query.id()});
  return found;
}

void SqlFileIndex::create_file(const File& f) {
  db_.write()
      .query(
          "INSERT INTO file(id, owner_id, sha256, size, name, mime, kind, width, height, duration_ms, thumbnail, "
          "created_at, is_avatar) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(f.id.value)
      .bind(f.owner.value)
      .bind(std::string_view(f.sha256))
      .bind(f.size)
      .bind(std::string_view(f.name))
      .bind(std::string_view(f.mime))
      .bind(static_cast<int>(f.kind))
      .bind(f.width)
      .bind(f.height)
      .bind(f.duration_ms)
      .bind(std::string_view(f.thumbnail))
      .bind(f.created_at)
      .bind(f.is_avatar)
      .run();
}

void SqlFileIndex::remove_file(FileId id) {
  db_.write().query("DELETE FROM file WHERE id=?").bind(id.value).run();
  db_.write().query("DELETE FROM file_place WHERE file_id=?").bind(id.value).run();
}

void SqlFileIndex::count_avatar(FileId id, int change) {
  db_.write()
      .query("UPDATE file SET is_avatar=is_avatar+? WHERE id=? AND is_avatar+?>=0")
      .bind(std::int64_t{change})
      .bind(id.value)
      .bind(std::int64_t{change})
      .run();
}

void SqlFileIndex::add_place(FileId id, const FilePlace& place) {
  db_.write()
      .query("INSERT OR IGNORE INTO file_place VALUES(?, ?)")
      .bind(id.value)
      .bind(row_key(keys_.key(place.conversation), place.seq))
      .run();
}

std::vector<FileId> SqlFileIndex::remove_places(const FilePlace& place) {
  std::vector<FileId> files;
  auto& db = db_.write();
  const auto key = row_key(keys_.key(place.conversation), place.seq);
  {
    auto query = db.query("SELECT file_id FROM file_place p WHERE p.key=?");
    query.bind(key);
    while (query.step()) files.push_back(FileId{query.id()});
  }
  db.query("DELETE FROM file_place WHERE file_place.key=?").bind(key).run();
  return files;
}

std::optional<Upload> SqlFileIndex::upload(const std::string& id) {
  auto db = db_.read();
  auto query =
      db->query("SELECT owner_id, size, name, as_file, duration_ms, created_at, file_id FROM upload WHERE id=?");
  if (!query.bind(std::string_view(id)).step()) return std::nullopt;
  Upload u;
  u.id = id;
  u.owner = UserId{query.id()};
  u.size = query.integer();
  u.name = query.text();
  u.as_file = query.flag();
  u.duration_ms = query.integer();
  u.created_at = query.integer();
  u.file = FileId{query.id()};
  return u;
}

std::size_t SqlFileIndex::open_uploads(UserId owner) {
  auto db = db_.read();
  auto query = db->query("SELECT count(*) FROM upload WHERE owner_id=? AND file_id=0");
  return query.bind(owner.value).step() ? static_cast<std::size_t>(query.integer()) : 0;
}

std::vector<std::string> SqlFileIndex::uploads_before(std::int64_t before, std::size_t limit) {
  std::vector<std::string> found;
  auto db = db_.read();
  auto query = db->query("SELECT id FROM upload WHERE created_at < ? LIMIT ?");
  query.bind(before).bind(static_cast<std::int64_t>(limit));
  while (query.step()) found.push_back(query.text());
  return found;
}

void SqlFileIndex::put_upload(const Upload& u) {
  db_.write()
      .query(
          "INSERT OR REPLACE INTO upload(id, owner_id, size, name, as_file, duration_ms, created_at, file_id) "
          "VALUES(?, "
          "?, ?, ?, ?, ?, ?, ?)")
      .bind(std::string_view(u.id))
      .bind(u.owner.value)
      .bind(u.size)
      .bind(std::string_view(u.name))
      .bind(u.as_file)
      .bind(u.duration_ms)
      .bind(u.created_at)
      .bind(u.file.value)
      .run();
}

void SqlFileIndex::remove_upload(const std::string& id) {
  db_.write().query("DELETE FROM upload WHERE id=?").bind(std::string_view(id)).run();
}

}  // namespace simpleim::store::sql
