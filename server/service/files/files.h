#pragma once

#include <array>
#include <mutex>

#include "base/random.h"
#include "media/content_type.h"
#include "media/media_processor.h"
#include "service/commit/commit_loop.h"
#include "store/file_store.h"

namespace simpleim::service {

/// Files: taking them in, and giving them to those who may see them. Calls block; thread-safe.
class Files {
 public:
  struct Options {
    /// 0: no limit, in all of them.
    std::int64_t max_bytes = 0;
    std::int64_t quota_bytes = 0;
    std::int64_t quota_files = 0;
    /// How long files that were never sent and uploads that were never ended are kept.
    std::int64_t unsent_hours = 0;
    /// Where on its host the world sees the server: "/chat", or "".
    std::string public_path;
    /// Where a shared cache stands before the server: "https://cdn.example.org", or "".
    std::string public_url;
    /// How long a link there stays the same, seconds.
    std::int64_t public_link_s = 0;
  };
  struct Ports {
    store::Store& store;
    store::FileStore& contents;
    CommitLoop& commits;
    const media::MediaProcessor& media;
    base::IdMaker& ids;
    base::Random& random;
    const base::Clock& clock;
  };
  /// `key`: secret for signed URLs, at least 32 bytes.
  Files(Ports ports, std::string key, Options options);

  /// What the uploader says of a file.
  struct Wish {
    std::string name;
    /// A picture stays as it is, with its metadata, and is no image to be shown.
    bool as_file = false;
    std::int64_t duration_ms = 0;
  };

  /// kTooLarge, kStorageFull when the user's quota is used up. `bytes`: what is known to come, 0 when unknown. How much
  /// more there may be than that; -1: no limit.
  Result<std::int64_t> admit(UserId me, std::int64_t bytes);
  std::int64_t max_bytes() const { return options_.max_bytes; }
  std::unique_ptr<store::FileStore::Writer> begin() { return ports_.contents.create(); }
  /// Makes a file of a content; durable when it returns. `beginning`: its first media::kSniffBytes bytes. A picture
  /// takes a tenth of a second and more. `upload`: what it came in; learns of its file in the same batch.
  Result<store::File> adopt(UserId me, const store::StoredContent& content, const Wish& wish,
                            std::string_view beginning, store::Upload* upload = nullptr);

  // Uploads in parts. kNotFound for one of somebody else.
  Result<store::Upload> create_upload(UserId me, std::int64_t size, const Wish& wish);
  struct Progress {
    store::Upload upload;
    std::int64_t offset = 0;
  };
  Result<Progress> upload(UserId me, const std::string& id);
  std::unique_ptr<store::FileStore::Writer> append(const std::string& id) { return ports_.contents.append_part(id); }
  /// All bytes are there: the file it became, the same one when asked again.
  Result<store::File> end_upload(UserId me, const std::string& id);
  /// See FileStore::part_link.
  std::string part_link(const std::string& id, std::int64_t offset, std::int64_t size) {
    return ports_.contents.part_link(id, offset, size);
  }
  /// See FileStore::part_beginning.
  std::string part_beginning(const std::string& id) { return ports_.contents.part_beginning(id, media::kSniffBytes); }
  Result<void> cancel_upload(UserId me, const std::string& id);

  /// kNotFound when there is no such file or `me` may not see it.
  Result<store::File> readable(UserId me, FileId id);
  /// See FileStore::link.
  std::string link(const std::string& sha256, const store::FileStore::Served& served) {
    return ports_.contents.link(sha256, served);
  }
  /// Null when the content is gone.
  std::unique_ptr<store::FileStore::Reader> open(const std::string& sha256, std::int64_t offset) {
    return ports_.contents.open(sha256, offset);
  }

  /// A link that opens the file, or its thumbnail, without a token: of a file that was sent, to Options::public_url if
  /// there is one, else signed_path().
  std::string link_for(UserId me, const store::File& file, bool thumbnail) const;
  /// The file that a link of public_url opens, and until when (seconds since the epoch); nothing when the link is
  /// forged or too old, or the file is nowhere any more: its messages were recalled.
  struct Public {
    store::File file;
    std::int64_t until_s = 0;
  };
  std::optional<Public> check_public(FileId id, bool thumbnail, std::string_view expires,
                                     std::string_view signature) const;

  /// A path that opens the file, or its thumbnail, without a token for `me` alone, for 5 to 10 minutes; the same path
  /// for minutes, so that browsers can keep what they have got.
  std::string signed_path(UserId me, FileId id, bool thumbnail) const;
  /// The user that a signed path was made for; nothing when it is forged or too old.
  std::optional<UserId> check_signature(FileId id, bool thumbnail, std::string_view user, std::string_view expires,
                                        std::string_view signature) const;

  /// Removes what nobody refers to any more; from time to time.
  void collect();

 private:
  std::string signature(UserId me, FileId id, bool thumbnail, std::int64_t expires_s) const;
  /// The same for everybody.
  std::string public_signature(FileId id, bool thumbnail, std::int64_t expires_s) const;
  std::string code(std::string_view text) const;
  bool is_public(const store::File& file) const;
  void take_media(store::File& file);
  store::StoredContent store_path(const std::string& path, const std::vector<media::Edit>& edits);
  /// `of_upload`: bytes that an open upload has announced, which is what comes now.
  Result<std::int64_t> within_quota(UserId me, std::int64_t bytes, std::int64_t of_upload = 0);

  const Ports ports_;
  const std::string key_;
  const Options options_;
  /// Uploads that end are told apart by their ids' first digit.
  std::array<std::mutex, 16> ending_;
};

}  // namespace simpleim::service
