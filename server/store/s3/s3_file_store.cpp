#include "store/s3/s3_file_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>

#include "base/log.h"
#include "store/sha256.h"
#include "store/store.h"

namespace simpleim::store::s3 {
namespace {

constexpr std::int64_t kLinkS = 3600;
constexpr std::int64_t kSameLinkS = 900;

constexpr std::string_view kContents = "contents/";
constexpr std::string_view kParts = "parts/";
/// What create_part() leaves: the part is there, and this old.
constexpr std::string_view kStart = "start";
constexpr std::int64_t kWindow = 1 << 20;
/// A piece of an upload in parts: what a node that ends may lose of it.
constexpr std::int64_t kPieceBytes = 8 << 20;
constexpr std::size_t kPage = 1000;
constexpr std::size_t kPagesAtOnce = 10;

std::string content_key(const std::string& sha256) { return std::string(kContents) + sha256; }
std::string part_prefix(const std::string& id) { return std::string(kParts) + id + "/"; }

/// Sorted as text they are sorted as numbers.
std::string piece_key(const std::string& id, std::int64_t offset) {
  auto digits = std::to_string(offset);
  return part_prefix(id) + std::string(20 - digits.size(), '0') + digits;
}

[[noreturn]] void fail(const std::string& what) {
  const int error = errno;
  throw StoreError(error == ENOSPC || error == EDQUOT ? ErrorCode::kStorageFull : ErrorCode::kInternal,
                   what + ": " + std::strerror(error));
}

/// A file of this node without a name, with the hash of what went into it.
class Scratch {
 public:
  explicit Scratch(const std::string& folder) : fd_(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
    if (fd_ < 0) fail("cannot make a file in " + folder);
  }
  ~Scratch() { ::close(fd_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void write(std::string_view piece) {
    hash_.add(piece);
    size_ += static_cast<std::int64_t>(piece.size());
    while (!piece.empty()) {
      const auto done = ::write(fd_, piece.data(), piece.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail("cannot write what is to be uploaded");
      piece.remove_prefix(static_cast<std::size_t>(done));
    }
  }
  int fd() const { return fd_; }
  std::int64_t size() const { return size_; }
  /// Once, at the end.
  std::string hash() { return hash_.hex(); }

 private:
  const int fd_;
  Sha256 hash_;
  std::int64_t size_ = 0;
};

class ContentWriter final : public FileStore::Writer {
 public:
  ContentWriter(Client& client, const std::string& folder) : client_(client), scratch_(folder) {}
  void write(std::string_view piece) override { scratch_.write(piece); }
  StoredContent finish() override {
    StoredContent content{scratch_.hash(), scratch_.size()};
    const auto key = content_key(content.sha256);
    // As new, also when it was found again: the collector leaves it alone until its row is there.
    const auto known = client_.head(key);
    if (known && known->size == content.size) client_.touch(key);
    else client_.put_file(key, scratch_.fd(), content.size, content.sha256);
    return content;
  }

 private:
  Client& client_;
  Scratch scratch_;
};

class PartWriter final : public FileStore::Writer {
 public:
  PartWriter(Client& client, std::string folder, std::string id, std::int64_t offset)
      : client_(client), folder_(std::move(folder)), id_(std::move(id)), offset_(offset) {}
  ~PartWriter() override {
    try {
      end_piece();
    } catch (const StoreError& e) {
      base::log::warn("a piece of an upload is lost; the client sends it again", {{"what", e.what()}});
    }
  }
  void write(std::string_view bytes) override {
    if (!scratch_) scratch_.emplace(folder_);
    scratch_->write(bytes);
    if (scratch_->size() >= kPieceBytes) end_piece();
  }
  StoredContent finish() override {
    end_piece();
    return {};
  }

 private:
  void end_piece() {
    if (!scratch_) return;
    client_.put_file(piece_key(id_, offset_), scratch_->fd(), scratch_->size(), scratch_->hash());
    offset_ += scratch_->size();
    scratch_.reset();
  }

  Client& client_;
  const std::string folder_;
  const std::string id_;
  std::int64_t offset_;
  std::optional<Scratch> scratch_;
};

class ContentReader final : public FileStore::Reader {
 public:
  ContentReader(Client& client, Object object, std::int64_t offset)
      : client_(client), object_(std::move(object)), next_(offset) {}
  std::size_t read(std::span<char> into) override {
    std::size_t total = 0;
    while (total < into.size()) {
      if (used_ == window_.size() && !fetch()) break;
      const auto size = std::min(into.size() - total, window_.size() - used_);
      std::copy_n(window_.data() + used_, size, into.data() + total);
      used_ += size;
      total += size;
    }
    return total;
  }
  std::int64_t size() const override { return object_.size; }

 private:
  bool fetch() {
    used_ = 0;
    window_.clear();
    if (next_ >= object_.size) return false;
    window_ = client_.get(object_.key, next_, std::min(kWindow, object_.size - next_));
    next_ += static_cast<std::int64_t>(window_.size());
    return !window_.empty();
  }

  Client& client_;
  const Object object_;
  std::int64_t next_;
  std::string window_;
  std::size_t used_ = 0;
};

}  // namespace

S3FileStore::S3FileStore(S3Options options, const base::Clock& clock)
    : options_(std::move(options)), clock_(clock), client_(options_, clock) {
  client_.open_bucket();
}

std::unique_ptr<FileStore::Writer> S3FileStore::create() {
  return std::make_unique<ContentWriter>(client_, options_.scratch_dir);
}

std::unique_ptr<FileStore::Reader> S3FileStore::open(const std::string& sha256, std::int64_t offset) {
  if (!Sha256::is_hex(sha256)) return nullptr;
  auto object = client_.head(content_key(sha256));
  if (!object) return nullptr;
  return std::make_unique<ContentReader>(client_, std::move(*object), offset);
}

std::string S3FileStore::link(const std::string& sha256, const Served& served) {
  if (options_.public_endpoint.empty() || !Sha256::is_hex(sha256)) return "";
  return client_.link(content_key(sha256), kLinkS, kSameLinkS,
                      {{"response-content-type", served.content_type},
                       {"response-content-disposition", served.disposition},
                       {"response-cache-control", served.cache_control}});
}

LocalCopy S3FileStore::local_copy(const std::string& sha256) {
  static std::atomic<std::uint64_t> counter{0};
  auto path = options_.scratch_dir + "/copy-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) fail("cannot create " + path);
  LocalCopy copy(path, true);
  struct Close {
    int fd;
    ~Close() { ::close(fd); }
  } close{fd};
  const auto reader = open(sha256, 0);
  if (!reader) throw StoreError(ErrorCode::kInternal, "a content has gone: " + sha256);
  std::string piece(kWindow, '\0');
  while (const auto got = reader->read(piece))
    if (::write(fd, piece.data(), got) != static_cast<ssize_t>(got)) fail("cannot write " + path);
  return copy;
}

std::string S3FileStore::health() {
  try {
    client_.open_bucket();
    return "";
  } catch (const StoreError& e) {
    return e.what();
  }
}

// ---------------------------------------------------------------- uploads in parts

std::vector<S3FileStore::Piece> S3FileStore::pieces(const std::string& id) {
  std::map<std::int64_t, Piece> all;
  const auto prefix = part_prefix(id);
  std::string from;
  do {
    auto page = client_.list(prefix, from, kPage);
    for (auto& object : page.objects) {
      std::int64_t offset = 0;
      const auto* end = object.key.data() + object.key.size();
      const auto [stopped, error] = std::from_chars(object.key.data() + prefix.size(), end, offset);
      if (error == std::errc() && stopped == end) all[offset] = {object.key, offset, object.size};
    }
    from = page.next;
  } while (!from.empty());
  // Two nodes may have taken pieces of one upload at once; both have the same bytes at the same place.
  std::vector<Piece> chain;
  for (std::int64_t offset = 0;;) {
    const auto next = all.find(offset);
    if (next == all.end() || next->second.size == 0) return chain;
    chain.push_back(next->second);
    offset += next->second.size;
  }
}

std::int64_t S3FileStore::part_size(const std::string& id) {
  const auto chain = pieces(id);
  if (!chain.empty()) return chain.back().offset + chain.back().size;
  return client_.head(part_prefix(id) + std::string(kStart)) ? 0 : -1;
}

void S3FileStore::create_part(const std::string& id) { client_.put(part_prefix(id) + std::string(kStart), ""); }

std::unique_ptr<FileStore::Writer> S3FileStore::append_part(const std::string& id) {
  return std::make_unique<PartWriter>(client_, options_.scratch_dir, id, std::max<std::int64_t>(0, part_size(id)));
}

StoredContent S3FileStore::finish_part(const std::string& id) {
  const auto writer = create();
  for (const auto& piece : pieces(id))
    for (std::int64_t at = 0; at < piece.size;) {
      const auto bytes = client_.get(piece.key, at, std::min(kWindow, piece.size - at));
      if (bytes.empty()) throw StoreError(ErrorCode::kUnavailable, "a piece of an upload has gone: " + piece.key);
      writer->write(bytes);
      at += static_cast<std::int64_t>(bytes.size());
    }
  return writer->finish();
}

void S3FileStore::remove_part(const std::string& id) {
  ObjectPage page;
  do {
    page = client_.list(part_prefix(id), page.next, kPage);
    for (const auto& object : page.objects) client_.remove(object.key);
  } while (!page.next.empty());
}

std::string S3FileStore::part_link(const std::string& id, std::int64_t offset, std::int64_t size) {
  if (options_.public_endpoint.empty()) return "";
  return client_.put_link(piece_key(id, offset), size, kLinkS);
}

// ---------------------------------------------------------------- collecting

void S3FileStore::find_unwanted(const std::string& prefix, std::string& from, std::int64_t age_ms, std::size_t limit,
                                const std::function<IsWanted>& is_wanted, std::vector<std::string>& found) {
  for (std::size_t pages = 0; pages < kPagesAtOnce && found.size() < limit; ++pages) {
    const auto page = client_.list(prefix, from, kPage);
    for (const auto& object : page.objects) {
      auto name = object.key.substr(prefix.size());
      // Of an upload in parts its start stands for all its pieces.
      if (prefix == kParts && !name.ends_with("/" + std::string(kStart))) continue;
      name = name.substr(0, name.find('/'));
      if (clock_.now_ms() - object.modified_ms >= age_ms && found.size() < limit && !is_wanted(name))
        found.push_back(name);
    }
    from = page.next;
    if (from.empty()) return;
  }
}

std::vector<std::string> S3FileStore::unwanted(std::int64_t age_ms, std::size_t limit,
                                               const std::function<IsWanted>& is_wanted) {
  std::vector<std::string> found;
  find_unwanted(std::string(kContents), contents_from_, age_ms, limit, is_wanted, found);
  find_unwanted(std::string(kParts), parts_from_, age_ms, limit, is_wanted, found);
  return found;
}

void S3FileStore::discard(const std::string& name, std::int64_t age_ms) {
  const bool is_content = Sha256::is_hex(name);
  const auto object = client_.head(is_content ? content_key(name) : part_prefix(name) + std::string(kStart));
  if (!object || clock_.now_ms() - object->modified_ms < age_ms) return;
  if (is_content) client_.remove(object->key);
  else remove_part(name);
}

}  // namespace simpleim::store::s3
