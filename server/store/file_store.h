#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simpleim::store {

/// What lies under a hash: SHA-256 in 64 lower-case hexadecimal digits.
struct StoredContent {
  std::string sha256;
  std::int64_t size = 0;
};

/// A file of this machine with a content in it; one that was made for the purpose goes with the object.
class LocalCopy {
 public:
  explicit LocalCopy(std::string path, bool is_temporary = false)
      : path_(std::move(path)), is_temporary_(is_temporary) {}
  LocalCopy(LocalCopy&& other) noexcept
      : path_(std::move(other.path_)), is_temporary_(std::exchange(other.is_temporary_, false)) {}
  LocalCopy& operator=(LocalCopy&&) = delete;
  ~LocalCopy();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool is_temporary_;
};

/// The bytes of files, each content once, under its hash. Knows nothing of who may see what.
/// Any thread, blocking. A failing backend throws StoreError (kStorageFull when there is no room).
class FileStore {
 public:
  /// Takes one content. Destroyed without finish(): nothing of it stays.
  class Writer {
   public:
    virtual ~Writer() = default;
    virtual void write(std::string_view piece) = 0;
    /// Durable when it returns: whole under its hash, or (a crash before) not at all.
    virtual StoredContent finish() = 0;
  };
  class Reader {
   public:
    virtual ~Reader() = default;
    /// Bytes read; fewer than asked only at the end.
    virtual std::size_t read(std::span<char> into) = 0;
    /// Of the whole content.
    virtual std::int64_t size() const = 0;
  };

  virtual ~FileStore() = default;

  virtual std::unique_ptr<Writer> create() = 0;
  /// Null when there is no such content.
  virtual std::unique_ptr<Reader> open(const std::string& sha256, std::int64_t offset) = 0;
  /// How a content is to be answered to a browser.
  struct Served {
    std::string content_type;
    std::string disposition;
    std::string cache_control;
  };
  /// A link where whoever has it gets the content for an hour at most, without this server; the same for minutes, so
  /// that browsers keep what they have got. "": there are none, read it here.
  virtual std::string link(const std::string& /*sha256*/, const Served& /*served*/) { return ""; }
  /// A path where other programs may read the content.
  virtual LocalCopy local_copy(const std::string& sha256) = 0;

  // Uploads in parts: `id` is [a-z0-9]+ and chosen by the caller.
  /// Bytes that are durable of the part file; -1 when there is none.
  virtual std::int64_t part_size(const std::string& id) = 0;
  /// Its first bytes, at most `bytes`; "": they are not at hand.
  virtual std::string part_beginning(const std::string& /*id*/, std::size_t /*bytes*/) { return ""; }
  virtual void create_part(const std::string& id) = 0;
  /// Appends; what was written stays when it is destroyed. finish() makes it durable and does not hash.
  virtual std::unique_ptr<Writer> append_part(const std::string& id) = 0;
  /// Makes a content of the whole part, which stays for whoever asks again after a crash.
  virtual StoredContent finish_part(const std::string& id) = 0;
  virtual void remove_part(const std::string& id) = 0;
  /// A link to which exactly `size` bytes can be PUT that then stand at `offset` of the part, without this server, for
  /// an hour. "": there are none.
  virtual std::string part_link(const std::string& /*id*/, std::int64_t /*offset*/, std::int64_t /*size*/) {
    return "";
  }

  /// Contents (by hash) and parts (by id) that are older than `age_ms`, since they were last written or found again,
  /// and not wanted; at most `limit`.
  using IsWanted = bool(const std::string& name);
  virtual std::vector<std::string> unwanted(std::int64_t age_ms, std::size_t limit,
                                            const std::function<IsWanted>& is_wanted) = 0;
  /// Takes one of them out, if it is still that old. Fast, also for large ones; empty_trash() frees the room.
  virtual void discard(const std::string& name, std::int64_t age_ms) = 0;
  virtual void empty_trash() = 0;
  /// discard() asks another machine: not for the commit thread.
  virtual bool is_remote() const = 0;
  /// "" when it answers, else what is wrong. Any thread; may block for the deadline.
  virtual std::string health() = 0;
};

}  // namespace simpleim::store
