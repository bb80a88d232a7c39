#pragma once

#include "store/file_index.h"
#include "store/sql/row_key.h"

namespace simpleim::store::sql {

class SqlFileIndex final : public FileIndex {
 public:
  SqlFileIndex(Database& db, ConversationKeys& keys) : db_(db), keys_(keys) {}

  std::optional<File> file(FileId id) override;
  Usage usage(UserId owner) override;
  std::vector<FilePlace> places(FileId id, std::size_t limit) override;
  bool is_content_used(const std::string& sha256) override;
  std::vector<FileId> unsent(std::int64_t before, std::size_t limit) override;
  void create_file(const File& file) override;
  void remove_file(FileId id) override;
  void count_avatar(FileId id, int change) override;
  void add_place(FileId id, const FilePlace& place) override;
  std::vector<FileId> remove_places(const FilePlace& place) override;
  std::optional<Upload> upload(const std::string& id) override;
  std::size_t open_uploads(UserId owner) override;
  std::vector<std::string> uploads_before(std::int64_t before, std::size_t limit) override;
  void put_upload(const Upload& upload) override;
  void remove_upload(const std::string& id) override;

 private:
  Database& db_;
  ConversationKeys& keys_;
};

}  // namespace simpleim::store::sql
