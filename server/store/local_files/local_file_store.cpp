#include "store/local_files/local_file_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "store/sha256.h"
#include "store/store.h"

namespace simpleim::store::local_files {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCopyPiece = 1 << 20;
constexpr std::string_view kPart = "part-";

[[noreturn]] void fail(const std::string& what) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw StoreError(full ? ErrorCode::kStorageFull : ErrorCode::kInternal, what + ": " + std::strerror(error));
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

void write_all(int fd, std::string_view piece, const std::string& path, std::int64_t keep_free) {
  struct statvfs disk {};
  if (keep_free > 0 && ::fstatvfs(fd, &disk) == 0) {
    const auto free = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
    if (free - static_cast<std::int64_t>(piece.size()) < keep_free)
      throw StoreError(ErrorCode::kStorageFull, "the rest of the disk is kept for messages (files.keep_free_bytes)");
  }
  while (!piece.empty()) {
    const auto done = ::write(fd, piece.data(), piece.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot write " + path);
    piece.remove_prefix(static_cast<std::size_t>(done));
  }
}

std::size_t read_some(int fd, std::span<char> into) {
  std::size_t total = 0;
  while (total < into.size()) {
    const auto got = ::read(fd, into.data() + total, into.size() - total);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    total += static_cast<std::size_t>(got);
  }
  return total;
}

void sync_folder(const std::string& path) {
  const Descriptor folder(path, O_RDONLY | O_DIRECTORY);
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) fail("cannot bring " + path + " to the disk");
}

std::string content_path(const std::string& root, const std::string& sha256) {
  return root + "/" + sha256.substr(0, 2) + "/" + sha256;
}

/// `path` is whole and on the disk: gives it the name of its content, too; durable when it returns.
void adopt(const std::string& root, const std::string& path, const std::string& sha256) {
  const auto target = content_path(root, sha256);
  const auto folder = target.substr(0, target.rfind('/'));
  if (::mkdir(folder.c_str(), 0700) == 0) sync_folder(root);
  // As new, also when it was found again: the collector leaves it alone until its row is there.
  ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  if (::utimensat(AT_FDCWD, target.c_str(), nullptr, 0) != 0) {
    // A file system without second names takes the first away.
    const bool named = ::link(path.c_str(), target.c_str()) == 0 || errno == EEXIST;
    if (!named && ::rename(path.c_str(), target.c_str()) != 0) fail("cannot rename " + path);
  }
  // Whoever gave it its name may not have come as far as this.
  sync_folder(folder);
}

class ContentWriter final : public FileStore::Writer {
 public:
  ContentWriter(std::string root, std::string path, std::int64_t keep_free)
      : root_(std::move(root)),
        path_(std::move(path)),
        keep_free_(keep_free),
        file_(path_, O_WRONLY | O_CREAT | O_EXCL) {
    if (file_.get() < 0) fail("cannot create " + path_);
  }
  ~ContentWriter() override { ::unlink(path_.c_str()); }
  void write(std::string_view piece) override {
    write_all(file_.get(), piece, path_, keep_free_);
    hash_.add(piece);
    size_ += static_cast<std::int64_t>(piece.size());
    // The disk begins early and in small pieces, so that the sync at the end has little left to do: a photo's in one go
    // kept the messages' syncs waiting (bench/RESULTS.md, pictures).
    if (size_ - started_ >= kWriteBackEvery) {
      ::sync_file_range(file_.get(), started_, size_ - started_, SYNC_FILE_RANGE_WRITE);
      started_ = size_;
    }
  }
  StoredContent finish() override {
    if (::fsync(file_.get()) != 0) fail("cannot bring " + path_ + " to the disk");
    StoredContent content{hash_.hex(), size_};
    adopt(root_, path_, content.sha256);
    return content;
  }

 private:
  static constexpr std::int64_t kWriteBackEvery = 512 << 10;

  const std::string root_;
  const std::string path_;
  const std::int64_t keep_free_;
  Descriptor file_;
  Sha256 hash_;
  std::int64_t size_ = 0;
  std::int64_t started_ = 0;
};

class PartWriter final : public FileStore::Writer {
 public:
  PartWriter(std::string path, std::int64_t keep_free)
      : path_(std::move(path)), keep_free_(keep_free), file_(path_, O_WRONLY | O_APPEND) {
    if (file_.get() < 0) fail("cannot open " + path_);
  }
  void write(std::string_view piece) override { write_all(file_.get(), piece, path_, keep_free_); }
  StoredContent finish() override {
    if (::fsync(file_.get()) != 0) fail("cannot bring " + path_ + " to the disk");
    return {};
  }

 private:
  const std::string path_;
  const std::int64_t keep_free_;
  Descriptor file_;
};

class ContentReader final : public FileStore::Reader {
 public:
  explicit ContentReader(const std::string& path) : file_(path, O_RDONLY) {}
  bool begin(std::int64_t offset) { return file_.get() >= 0 && ::lseek(file_.get(), offset, SEEK_SET) == offset; }
  std::size_t read(std::span<char> into) override { return read_some(file_.get(), into); }
  std::int64_t size() const override {
    struct stat status {};
    return ::fstat(file_.get(), &status) == 0 ? status.st_size : 0;
  }

 private:
  Descriptor file_;
};

/// 0 when it is gone.
std::int64_t age_ms(const fs::path& path) {
  std::error_code gone;
  const auto written = fs::last_write_time(path, gone);
  if (gone) return 0;
  return std::chrono::duration_cast<std::chrono::milliseconds>(fs::file_time_type::clock::now() - written).count();
}

}  // namespace

LocalFileStore::LocalFileStore(std::string root, std::int64_t keep_free)
    : root_(std::move(root)), keep_free_(keep_free) {
  std::error_code error;
  fs::create_directories(root_ + "/tmp", error);
  if (error) throw StoreError(ErrorCode::kInternal, "cannot create " + root_ + "/tmp: " + error.message());
  for (const auto& entry : fs::directory_iterator(root_ + "/tmp", error))
    if (entry.path().filename().string().starts_with("whole-")) fs::remove(entry.path(), error);
}

std::unique_ptr<FileStore::Writer> LocalFileStore::create() {
  static std::atomic<std::uint64_t> counter{0};
  return std::make_unique<ContentWriter>(root_, root_ + "/tmp/whole-" + std::to_string(++counter), keep_free_);
}

std::unique_ptr<FileStore::Reader> LocalFileStore::open(const std::string& sha256, std::int64_t offset) {
  if (!Sha256::is_hex(sha256)) return nullptr;
  auto reader = std::make_unique<ContentReader>(content_path(root_, sha256));
  if (!reader->begin(offset)) return nullptr;
  return reader;
}

LocalCopy LocalFileStore::local_copy(const std::string& sha256) { return LocalCopy(content_path(root_, sha256)); }

std::string LocalFileStore::part_path(const std::string& id) const { return root_ + "/tmp/" + std::string(kPart) + id; }

std::int64_t LocalFileStore::part_size(const std::string& id) {
  struct stat status {};
  return ::stat(part_path(id).c_str(), &status) == 0 ? status.st_size : -1;
}

std::string LocalFileStore::part_beginning(const std::string& id, std::size_t bytes) {
  const Descriptor file(part_path(id), O_RDONLY);
  std::string beginning(bytes, '\0');
  const auto got = file.get() < 0 ? 0 : ::pread(file.get(), beginning.data(), bytes, 0);
  beginning.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return beginning;
}

void LocalFileStore::create_part(const std::string& id) {
  const Descriptor file(part_path(id), O_WRONLY | O_CREAT | O_EXCL);
  if (file.get() < 0 || ::fsync(file.get()) != 0) fail("cannot create " + part_path(id));
  sync_folder(root_ + "/tmp");
}

std::unique_ptr<FileStore::Writer> LocalFileStore::append_part(const std::string& id) {
  return std::make_unique<PartWriter>(part_path(id), keep_free_);
}

StoredContent LocalFileStore::finish_part(const std::string& id) {
  const auto path = part_path(id);
  StoredContent content;
  {
    const Descriptor file(path, O_RDONLY);
    if (file.get() < 0) fail("cannot open " + path);
    Sha256 hash;
    std::string piece(kCopyPiece, '\0');
    while (const auto got = read_some(file.get(), piece)) {
      hash.add(std::string_view(piece).substr(0, got));
      content.size += static_cast<std::int64_t>(got);
    }
    if (::fsync(file.get()) != 0) fail("cannot bring " + path + " to the disk");
    content.sha256 = hash.hex();
  }
  adopt(root_, path, content.sha256);
  return content;
}

void LocalFileStore::remove_part(const std::string& id) { ::unlink(part_path(id).c_str()); }

std::vector<std::string> LocalFileStore::unwanted(std::int64_t least_age_ms, std::size_t limit,
                                                  const std::function<IsWanted>& is_wanted) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& folder : fs::directory_iterator(root_, error)) {
    for (const auto& entry : fs::directory_iterator(folder.path(), error)) {
      auto name = entry.path().filename().string();
      if (name.starts_with(kPart)) name.erase(0, kPart.size());
      else if (!Sha256::is_hex(name)) continue;
      if (age_ms(entry.path()) < least_age_ms || is_wanted(name)) continue;
      found.push_back(std::move(name));
      if (found.size() == limit) return found;
    }
  }
  return found;
}

void LocalFileStore::discard(const std::string& name, std::int64_t least_age_ms) {
  const auto path = Sha256::is_hex(name) ? content_path(root_, name) : part_path(name);
  std::error_code error;
  if (age_ms(path) >= least_age_ms) fs::rename(path, root_ + "/tmp/trash-" + name, error);
}

void LocalFileStore::empty_trash() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_ + "/tmp", error))
    if (entry.path().filename().string().starts_with("trash-")) fs::remove(entry.path(), error);
}

}  // namespace simpleim::store::local_files
