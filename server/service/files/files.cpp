#include "service/files/files.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/log.h"
#include "base/random.h"
#include "media/content_type.h"
#include "media/edited_copy.h"
#include "service/files/file_names.h"
#include "service/messages/file_access.h"

namespace simpleim::service {
namespace {

constexpr std::int64_t kWindowS = 300;
constexpr std::size_t kSignatureBytes = 16;
/// Times of links: far enough, and no product of it overflows.
constexpr std::int64_t kMaxSeconds = 1'000'000'000'000;

std::optional<std::int64_t> seconds_of(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds > kMaxSeconds)
    return std::nullopt;
  return seconds;
}

/// In a time that says nothing of where they differ.
bool is_same(std::string_view given, std::string_view good) {
  return given.size() == good.size() && CRYPTO_memcmp(given.data(), good.data(), good.size()) == 0;
}
constexpr std::size_t kOpenUploads = 50;
constexpr std::size_t kCollectAtOnce = 200;
constexpr std::int64_t kHourMs = 3'600'000;

store::FileKind kind_of(media::Shown shown) {
  switch (shown) {
    case media::Shown::kImage:
      return store::FileKind::kImage;
    case media::Shown::kAudio:
      return store::FileKind::kAudio;
    case media::Shown::kVideo:
      return store::FileKind::kVideo;
    case media::Shown::kDownload:
      break;
  }
  return store::FileKind::kFile;
}

Error too_large(std::int64_t limit) {
  return {ErrorCode::kTooLarge, "file: at most " + std::to_string(limit) + " bytes", "file"};
}

}  // namespace

Files::Files(Ports ports, std::string key, Options options) : ports_(ports), key_(std::move(key)), options_(options) {}

// ---------------------------------------------------------------- taking in

Result<std::int64_t> Files::within_quota(UserId me, std::int64_t bytes, std::int64_t of_upload) {
  if (options_.quota_bytes == 0 && options_.quota_files == 0) return -1;
  const auto usage = ports_.store.files().usage(me);
  const auto used = usage.bytes + usage.announced_bytes - of_upload + bytes;
  if (options_.quota_bytes > 0 && used > options_.quota_bytes)
    return Error{ErrorCode::kStorageFull,
                 "your files would take more than the " + std::to_string(options_.quota_bytes) + " bytes you have"};
  if (options_.quota_files > 0 && usage.files >= options_.quota_files)
    return Error{ErrorCode::kStorageFull,
                 "you have as many files as one may have, " + std::to_string(options_.quota_files)};
  return options_.quota_bytes > 0 ? options_.quota_bytes - used : -1;
}

Result<std::int64_t> Files::admit(UserId me, std::int64_t bytes) {
  // Also without a limit: more than any store takes, and what a user has in all stays a number that 64 bits hold.
  constexpr std::int64_t kLargest = std::int64_t{1} << 44;
  const auto most = options_.max_bytes > 0 ? std::min(options_.max_bytes, kLargest) : kLargest;
  if (bytes > most) return too_large(most);
  return within_quota(me, bytes);
}

/// Brings a file that the worker made, or a content without what `edits` takes out, into the store.
store::StoredContent Files::store_path(const std::string& path, const std::vector<media::Edit>& edits) {
  auto writer = ports_.contents.create();
  media::copy_edited(path, edits, [&](std::string_view piece) { writer->write(piece); });
  return writer->finish();
}

/// A picture or a film: its size and thumbnail, and a content that does not say where and with what it was made.
void Files::take_media(store::File& file) {
  file.kind = kind_of(media::shown_as(file.mime));
  if (!media::needs_processing(file.mime)) return;
  const auto copy = ports_.contents.local_copy(file.sha256);
  const auto made = ports_.media.process(copy.path(), file.mime);
  struct Remove {
    const std::string& path;
    ~Remove() {
      if (!path.empty()) ::unlink(path.c_str());
    }
  };
  const Remove thumbnail{made.thumbnail};
  const Remove rewritten{made.rewritten};
  file.width = made.width;
  file.height = made.height;
  if (!made.thumbnail.empty()) file.thumbnail = store_path(made.thumbnail, {}).sha256;
  // No picture that can be shown: it can still be sent.
  else if (file.kind == store::FileKind::kImage) file.kind = store::FileKind::kFile;
  if (made.rewritten.empty() && made.edits.empty()) return;
  const auto cleaned = store_path(made.rewritten.empty() ? copy.path() : made.rewritten, made.edits);
  file.sha256 = cleaned.sha256;
  file.size = cleaned.size;
  if (made.mime != file.mime) {
    file.mime = made.mime;
    file.name = renamed(file.name, file.mime == "image/jpeg" ? ".jpg" : ".webp");
  }
}

Result<store::File> Files::adopt(UserId me, const store::StoredContent& content, const Wish& wish,
                                 std::string_view beginning, store::Upload* upload) {
  if (options_.max_bytes > 0 && content.size > options_.max_bytes) return too_large(options_.max_bytes);
  store::File file;
  file.id = ports_.ids.make<FileId>();
  file.owner = me;
  file.sha256 = content.sha256;
  file.size = content.size;
  file.name = safe_file_name(wish.name);
  file.mime = media::content_type(beginning);
  file.duration_ms = wish.duration_ms;
  file.created_at = ports_.clock.now_ms();
  if (!wish.as_file) take_media(file);
  const auto of_upload = upload != nullptr ? upload->size : 0;
  return ports_.commits.run<store::File>([&](Batch& batch) -> Result<store::File> {
    if (auto allowed = within_quota(me, file.size, of_upload); !allowed) return allowed.error();
    batch.store().files().create_file(file);
    if (upload != nullptr) {
      upload->file = file.id;
      batch.store().files().put_upload(*upload);
    }
    return file;
  });
}

// ---------------------------------------------------------------- in parts

Result<store::Upload> Files::create_upload(UserId me, std::int64_t size, const Wish& wish) {
  if (auto allowed = admit(me, size); !allowed) return allowed.error();
  store::Upload upload;
  upload.id = ports_.random.hex(16);
  upload.owner = me;
  upload.size = size;
  upload.name = wish.name;
  upload.as_file = wish.as_file;
  upload.duration_ms = wish.duration_ms;
  upload.created_at = ports_.clock.now_ms();
  ports_.contents.create_part(upload.id);
  auto stored = ports_.commits.run<store::Upload>([&](Batch& batch) -> Result<store::Upload> {
    if (batch.store().files().open_uploads(me) >= kOpenUploads)
      return Error{ErrorCode::kRateLimited, "too many uploads at once; end or cancel one", "", 1000};
    batch.store().files().put_upload(upload);
    return upload;
  });
  if (!stored) ports_.contents.remove_part(upload.id);
  return stored;
}

Result<Files::Progress> Files::upload(UserId me, const std::string& id) {
  auto upload = ports_.store.files().upload(id);
  if (!upload || upload->owner != me) return protocol::not_found();
  if (upload->file) {
    const auto size = upload->size;
    return Progress{std::move(*upload), size};
  }
  const auto offset = ports_.contents.part_size(id);
  if (offset < 0) return protocol::not_found();
  return Progress{std::move(*upload), offset};
}

Result<store::File> Files::end_upload(UserId me, const std::string& id) {
  if (id.empty()) return protocol::not_found();
  const std::lock_guard one_at_a_time(ending_[static_cast<unsigned char>(id[0]) % ending_.size()]);
  auto found = upload(me, id);
  if (!found) return found.error();
  auto& [upload, offset] = found.value();
  if (upload.file) return readable(me, upload.file);
  if (offset != upload.size) return Error{ErrorCode::kConflict, "the upload is not whole"};
  const auto content = ports_.contents.finish_part(id);
  std::string beginning(media::kSniffBytes, '\0');
  beginning.resize(ports_.contents.open(content.sha256, 0)->read(beginning));
  auto file = adopt(me, content, {upload.name, upload.as_file, upload.duration_ms}, beginning, &upload);
  // Refused (no room, a busy server): whoever asks again later does not send it again.
  if (file) ports_.contents.remove_part(id);
  return file;
}

Result<void> Files::cancel_upload(UserId me, const std::string& id) {
  auto upload = ports_.store.files().upload(id);
  if (!upload || upload->owner != me) return protocol::not_found();
  auto removed = ports_.commits.run<bool>([&](Batch& batch) -> Result<bool> {
    batch.store().files().remove_upload(id);
    return true;
  });
  if (!removed) return removed.error();
  ports_.contents.remove_part(id);
  return {};
}

// ---------------------------------------------------------------- giving out

Result<store::File> Files::readable(UserId me, FileId id) {
  auto file = ports_.store.files().file(id);
  if (!file || !may_read_file(ports_.store, *file, me)) return protocol::not_found();
  return std::move(*file);
}

std::string Files::signature(UserId me, FileId id, bool thumbnail, std::int64_t expires_s) const {
  return code("file " + id.str() + (thumbnail ? "/thumbnail/" : "/") + me.str() + "/" + std::to_string(expires_s));
}

std::string Files::public_signature(FileId id, bool thumbnail, std::int64_t expires_s) const {
  return code("public " + id.str() + (thumbnail ? "/thumbnail/" : "/") + std::to_string(expires_s));
}

std::string Files::code(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &size);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < kSignatureBytes; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return out;
}

std::string Files::signed_path(UserId me, FileId id, bool thumbnail) const {
  const auto expires = (ports_.clock.now_ms() / 1000 / kWindowS + 2) * kWindowS;
  return file_path(options_.public_path, id) + (thumbnail ? "/thumbnail" : "") + "?user=" + me.str() +
         "&expires=" + std::to_string(expires) + "&signature=" + signature(me, id, thumbnail, expires);
}

/// What everybody may read who has a link: pictures of people and groups, and what stands in a message.
bool Files::is_public(const store::File& file) const {
  return file.is_avatar || !ports_.store.files().places(file.id, 1).empty();
}

std::string Files::link_for(UserId me, const store::File& file, bool thumbnail) const {
  if (options_.public_url.empty() || !is_public(file)) return signed_path(me, file.id, thumbnail);
  const auto window = options_.public_link_s;
  const auto expires = (ports_.clock.now_ms() / 1000 / window + 2) * window;
  return file_path(options_.public_url, file.id) + (thumbnail ? "/thumbnail" : "") +
         "?expires=" + std::to_string(expires) + "&signature=" + public_signature(file.id, thumbnail, expires);
}

std::optional<Files::Public> Files::check_public(FileId id, bool thumbnail, std::string_view expires,
                                                 std::string_view given) const {
  const auto until = seconds_of(expires);
  if (options_.public_url.empty() || !until || *until * 1000 < ports_.clock.now_ms()) return std::nullopt;
  // First of all: a stranger who makes links up costs no look into the store.
  if (!is_same(given, public_signature(id, thumbnail, *until))) return std::nullopt;
  auto file = ports_.store.files().file(id);
  if (!file || !is_public(*file)) return std::nullopt;
  return Public{std::move(*file), *until};
}

std::optional<UserId> Files::check_signature(FileId id, bool thumbnail, std::string_view user, std::string_view expires,
                                             std::string_view given) const {
  const auto who = UserId::parse(user);
  const auto until = seconds_of(expires);
  if (!who || !until || !is_same(given, signature(*who, id, thumbnail, *until))) return std::nullopt;
  if (*until * 1000 < ports_.clock.now_ms()) return std::nullopt;
  const auto account = ports_.store.accounts().user(*who);
  if (!account || account->disabled) return std::nullopt;
  return who;
}

// ---------------------------------------------------------------- collecting

/// Rows first, contents after: a content that loses its last row is removed an hour later at the earliest, and only if
/// no upload has found it again meanwhile. Both happen on the commit thread, like the making of rows.
void Files::collect() {
  const auto before = ports_.clock.now_ms() - options_.unsent_hours * kHourMs;
  auto& files = ports_.store.files();
  for (const auto& id : files.uploads_before(before, kCollectAtOnce)) {
    ports_.contents.remove_part(id);
    (void)ports_.commits.post([id](Batch& batch) { batch.store().files().remove_upload(id); });
  }
  for (const auto id : files.unsent(before, kCollectAtOnce))
    (void)ports_.commits.post([id](Batch& batch) {
      if (batch.store().files().places(id, 1).empty()) batch.store().files().remove_file(id);
    });
  const auto is_wanted = [&files](const std::string& name) {
    return files.is_content_used(name) || files.upload(name).has_value();
  };
  const auto unwanted = ports_.contents.unwanted(kHourMs, kCollectAtOnce, is_wanted);
  if (unwanted.empty()) return;
  const auto discard = [&] {
    for (const auto& name : unwanted)
      if (!is_wanted(name)) ports_.contents.discard(name, kHourMs);
  };
  if (ports_.contents.is_remote()) {
    // Whoever found it again has made it new before he made its row, and discard() looks at that.
    discard();
  } else {
    const auto discarded = ports_.commits.run<bool>([&](Batch&) -> Result<bool> { return discard(), true; });
    if (!discarded) return;
  }
  ports_.contents.empty_trash();
  base::log::info("files collected", {{"looked_at", unwanted.size()}});
}

}  // namespace simpleim::service
