#pragma once

#include "store/records.h"

namespace simpleim::store {

/// What is known of files: whose, what, and where they were sent. Threads, durability and failures as in AccountStore.
class FileIndex {
 public:
  virtual ~FileIndex() = default;

  virtual std::optional<File> file(FileId id) = 0;
  struct Usage {
    std::int64_t files = 0;
    std::int64_t bytes = 0;
    /// Of uploads that are not whole yet.
    std::int64_t announced_bytes = 0;
  };
  virtual Usage usage(UserId owner) = 0;
  /// At most `limit`, newest first.
  virtual std::vector<FilePlace> places(FileId id, std::size_t limit) = 0;
  /// A file has this content or thumbnail.
  virtual bool is_content_used(const std::string& sha256) = 0;
  /// Files that were sent nowhere, are nobody's picture and were made before `before`.
  virtual std::vector<FileId> unsent(std::int64_t before, std::size_t limit) = 0;

  virtual void create_file(const File& file) = 0;
  virtual void remove_file(FileId id) = 0;
  /// It is shown as one more person's or group's picture (1), or one less (-1).
  virtual void count_avatar(FileId id, int change) = 0;
  virtual void add_place(FileId id, const FilePlace& place) = 0;
  /// Of the message at `place`; returns the files it carried.
  virtual std::vector<FileId> remove_places(const FilePlace& place) = 0;

  virtual std::optional<Upload> upload(const std::string& id) = 0;
  /// Of this owner, not whole.
  virtual std::size_t open_uploads(UserId owner) = 0;
  virtual std::vector<std::string> uploads_before(std::int64_t before, std::size_t limit) = 0;
  /// Adds or replaces it.
  virtual void put_upload(const Upload& upload) = 0;
  virtual void remove_upload(const std::string& id) = 0;
};

}  // namespace simpleim::store
