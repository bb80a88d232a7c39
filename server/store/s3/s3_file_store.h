#pragma once

#include "store/file_store.h"
#include "store/s3/client.h"

namespace simpleim::store::s3 {

/// Contents as objects `contents/{sha256}` of a bucket. What comes in is gathered in a file of this node first, because
/// its name is its hash. The pieces of an upload in parts are objects `parts/{id}/{offset}`, so that it may go on at
/// another node: a part is the chain of pieces from 0 on.
class S3FileStore final : public FileStore {
 public:
  /// Makes the bucket when there is none. Throws StoreError.
  S3FileStore(S3Options options, const base::Clock& clock);

  std::unique_ptr<Writer> create() override;
  std::unique_ptr<Reader> open(const std::string& sha256, std::int64_t offset) override;
  std::string link(const std::string& sha256, const Served& served) override;
  LocalCopy local_copy(const std::string& sha256) override;

  std::int64_t part_size(const std::string& id) override;
  void create_part(const std::string& id) override;
  std::unique_ptr<Writer> append_part(const std::string& id) override;
  StoredContent finish_part(const std::string& id) override;
  void remove_part(const std::string& id) override;
  std::string part_link(const std::string& id, std::int64_t offset, std::int64_t size) override;

  /// Looks at some thousand objects and goes on from there the next time.
  std::vector<std::string> unwanted(std::int64_t age_ms, std::size_t limit,
                                    const std::function<IsWanted>& is_wanted) override;
  void discard(const std::string& name, std::int64_t age_ms) override;
  void empty_trash() override {}
  bool is_remote() const override { return true; }
  std::string health() override;

 private:
  struct Piece {
    std::string key;
    std::int64_t offset = 0;
    std::int64_t size = 0;
  };
  std::vector<Piece> pieces(const std::string& id);
  void find_unwanted(const std::string& prefix, std::string& from, std::int64_t age_ms, std::size_t limit,
                     const std::function<IsWanted>& is_wanted, std::vector<std::string>& found);

  const S3Options options_;
  const base::Clock& clock_;
  Client client_;
  /// Where the next look for what is unwanted begins. One caller at a time.
  std::string contents_from_;
  std::string parts_from_;
};

}  // namespace simpleim::store::s3
