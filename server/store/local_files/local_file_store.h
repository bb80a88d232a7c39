#pragma once

#include "store/file_store.h"

namespace simpleim::store::local_files {

/// The embedded default: contents in `<root>/ab/<sha256>`, what is not whole yet in `<root>/tmp`. A content is written
/// beside, brought to the disk and then named, so that it is under its hash whole or not at all.
class LocalFileStore final : public FileStore {
 public:
  /// Makes the folders and removes what uploads in one piece left in tmp. Throws StoreError. Writers refuse with
  /// kStorageFull what would leave less than `keep_free` bytes on the disk.
  LocalFileStore(std::string root, std::int64_t keep_free);

  std::unique_ptr<Writer> create() override;
  std::unique_ptr<Reader> open(const std::string& sha256, std::int64_t offset) override;
  LocalCopy local_copy(const std::string& sha256) override;
  std::int64_t part_size(const std::string& id) override;
  std::string part_beginning(const std::string& id, std::size_t bytes) override;
  void create_part(const std::string& id) override;
  std::unique_ptr<Writer> append_part(const std::string& id) override;
  StoredContent finish_part(const std::string& id) override;
  void remove_part(const std::string& id) override;
  std::vector<std::string> unwanted(std::int64_t age_ms, std::size_t limit,
                                    const std::function<IsWanted>& is_wanted) override;
  void discard(const std::string& name, std::int64_t age_ms) override;
  void empty_trash() override;
  bool is_remote() const override { return false; }
  std::string health() override { return ""; }

 private:
  std::string part_path(const std::string& id) const;

  const std::string root_;
  const std::int64_t keep_free_;
};

}  // namespace simpleim::store::local_files
