#include <charconv>

#include "api/files/file_reply.h"
#include "base/utf8.h"
#include "base/visible_text.h"
#include "media/content_type.h"
#include "media/media_processor.h"
#include "net/header_value.h"
#include "net/multipart.h"

/// Files in one piece: upload, download, signed URLs.
namespace simpleim::api {
namespace {

using service::Files;

constexpr std::size_t kMaxField = 1024;
constexpr std::size_t kMaxUrls = 100;
/// What a form may have beside its file: parts, boundaries and fields.
constexpr std::int64_t kFormOverhead = 64 << 10;

/// A multipart form with one file and some fields, on its way to the store.
class FileForm final : public net::BodySink {
 public:
  /// `room`: bytes that the user's quota has left; -1: no limit.
  FileForm(Files& files, UserId me, std::int64_t room, const std::string& boundary)
      : files_(files),
        me_(me),
        room_(room),
        reader_(boundary, {[this](const auto& part) { return begin(part); },
                           [this](std::string_view piece) { return data(piece); }, [] { return true; }}) {}

  std::optional<net::Response> write(std::string_view piece) override {
    try {
      if (reader_.feed(piece)) return std::nullopt;
    } catch (const store::StoreError& e) {
      return failure(e.as_error());
    }
    return failure(error_.value_or(Error{ErrorCode::kValidation, "the body is not valid multipart/form-data"}));
  }

  net::Response finish() override {
    if (!reader_.complete()) return failure(protocol::invalid_field("file", "the form is not whole"));
    if (!writer_) return failure(protocol::invalid_field("file", "a part with this name and a file name is needed"));
    Files::Wish wish{name_, fields_["as"] == "file", 0};
    if (auto error = read_duration(wish)) return failure(*error);
    if (const auto& as = fields_["as"]; !as.empty() && as != "file")
      return failure(protocol::invalid_field("as", "file, or nothing, is needed"));
    try {
      // What is refused now leaves nothing on the disk; a content would stay until it is collected.
      if (const auto allowed = files_.admit(me_, size_); !allowed) return failure(allowed.error());
      const auto file = files_.adopt(me_, writer_->finish(), wish, beginning_);
      if (!file) return failure(file.error());
      return ok([&](JsonWriter& w) { write_file(w, files_, file.value(), me_); });
    } catch (const store::StoreError& e) {
      return failure(e.as_error());
    }
  }

  bool finishes_slowly() const override { return media::needs_processing(media::content_type(beginning_)); }
  std::uint64_t owner() const override { return me_.value; }

 private:
  bool begin(const net::MultipartReader::Part& part) {
    field_ = part.name;
    if (part.name != "file") return true;
    if (writer_) return refuse(protocol::invalid_field("file", "one file a request"));
    name_ = part.file_name.value_or("");
    if (base::is_utf8(name_) && base::has_bidi_override(name_)) return refuse(treacherous_name("file"));
    writer_ = files_.begin();
    return true;
  }

  bool data(std::string_view piece) {
    if (field_ != "file") {
      auto& field = fields_[field_];
      field += piece;
      return field.size() <= kMaxField ||
             refuse(protocol::invalid_field(field_, "at most " + std::to_string(kMaxField) + " bytes"));
    }
    size_ += static_cast<std::int64_t>(piece.size());
    if (files_.max_bytes() > 0 && size_ > files_.max_bytes())
      return refuse({ErrorCode::kTooLarge, "file: at most " + std::to_string(files_.max_bytes()) + " bytes", "file"});
    if (room_ >= 0 && size_ > room_)
      return refuse({ErrorCode::kStorageFull, "your files would take more than the bytes you have left"});
    if (beginning_.size() < media::kSniffBytes) beginning_ += piece.substr(0, media::kSniffBytes - beginning_.size());
    writer_->write(piece);
    return true;
  }

  std::optional<Error> read_duration(Files::Wish& wish) {
    const auto& text = fields_["duration"];
    if (text.empty()) return std::nullopt;
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    constexpr double kMaxSeconds = 86'400;
    if (error != std::errc() || end != text.data() + text.size() || !(seconds >= 0 && seconds <= kMaxSeconds))
      return protocol::invalid_field("duration", "seconds, from 0 to 86400, are needed");
    wish.duration_ms = static_cast<std::int64_t>(seconds * 1000);
    return std::nullopt;
  }

  bool refuse(Error error) {
    error_ = std::move(error);
    return false;
  }

  Files& files_;
  const UserId me_;
  const std::int64_t room_;
  net::MultipartReader reader_;
  std::unique_ptr<store::FileStore::Writer> writer_;
  std::string name_;
  std::string field_;
  std::map<std::string, std::string> fields_;
  std::string beginning_;
  std::int64_t size_ = 0;
  std::optional<Error> error_;
};

std::variant<net::Response, std::unique_ptr<net::BodySink>> take_form(ApiContext& context, const net::Request& head) {
  const auto me = authenticate(context, head);
  if (!me) return failure(me.error());
  if (const auto wait = context.uploads.take(me.value().user.str(), context.clock.steady_ms()); wait > 0)
    return failure(Error{ErrorCode::kRateLimited, "too many uploads; try again later", "", wait});
  const auto boundary = net::MultipartReader::boundary_of(head.header("content-type"));
  if (!boundary) return failure(Error{ErrorCode::kMediaType, "the body must be multipart/form-data with a boundary"});
  // What a form adds to its file is small: limits are looked at again while it comes.
  const auto announced = whole_number(head.header("content-length")).value_or(0);
  const auto room = context.files.admit(me.value().user, std::max<std::int64_t>(0, announced - kFormOverhead));
  if (!room) return failure(room.error());
  const auto left = room.value() < 0 ? -1 : room.value() + std::max<std::int64_t>(0, announced - kFormOverhead);
  return std::make_unique<FileForm>(context.files, me.value().user, left, *boundary);
}

/// What the request's cookie of this name says (RFC 6265 section 4.2); "" without one.
std::string_view cookie(const net::Request& request, std::string_view name) {
  for (auto rest = request.header("cookie"); !rest.empty();) {
    const auto end = std::min(rest.find(';'), rest.size());
    const auto pair = net::trim(rest.substr(0, end));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return "";
}

/// By token, by the signature of a URL, or by the cookie of a browser.
Result<UserId> reader_of(ApiContext& context, const net::Request& request, std::optional<base::FileId> id,
                         bool thumbnail) {
  if (const auto signature = request.param("signature");
      !signature.empty() && request.header("authorization").empty()) {
    const auto user = context.files.check_signature(id.value_or(base::FileId()), thumbnail, request.param("user"),
                                                    request.param("expires"), signature);
    if (!user) return Error{ErrorCode::kInvalidToken, "this link is not valid any more; ask for a new one"};
    return *user;
  }
  const auto pass = cookie(request, kFileCookie);
  const auto me = !pass.empty() && request.header("authorization").empty() ? context.sessions.authenticate_files(pass)
                                                                           : authenticate(context, request);
  if (!me) return me.error();
  return me.value().user;
}

/// A link that is the same for everybody names no user.
bool is_public_link(const net::Request& request) {
  return !request.param("signature").empty() && request.param("user").empty() &&
         request.header("authorization").empty();
}

net::Response download_public(ApiContext& context, const net::Request& request, bool thumbnail) {
  const auto id = path_id<base::FileId>(request);
  try {
    const auto found =
        id ? context.files.check_public(*id, thumbnail, request.param("expires"), request.param("signature"))
           : std::nullopt;
    if (!found) return failure(Error{ErrorCode::kInvalidToken, "this link is not valid any more; ask for a new one"});
    const auto left = found->until_s - context.clock.now_ms() / 1000;
    return send_file(context.files, found->file, thumbnail, request, std::max<std::int64_t>(1, left));
  } catch (const store::StoreError& e) {
    return failure(e.as_error());
  }
}

net::Response download(ApiContext& context, const net::Request& request, bool thumbnail) {
  if (is_public_link(request)) return download_public(context, request, thumbnail);
  const auto id = path_id<base::FileId>(request);
  const auto me = reader_of(context, request, id, thumbnail);
  if (!me) return failure(me.error());
  if (!id) return failure(protocol::not_found());
  try {
    const auto file = context.files.readable(me.value(), *id);
    if (!file) return failure(file.error());
    return send_file(context.files, file.value(), thumbnail, request);
  } catch (const store::StoreError& e) {
    return failure(e.as_error());
  }
}

net::Response sign(ApiContext& context, const net::Request& request, const Identity& me) {
  Body body(request);
  const auto ids = body.texts("file_ids", kMaxUrls);
  if (body.error()) return failure(*body.error());
  return ok([&](JsonWriter& w) {
    w.key("files").begin_array();
    for (const auto& text : ids) {
      const auto id = base::FileId::parse(text);
      const auto file = id ? context.files.readable(me.user, *id) : Result<store::File>(protocol::not_found());
      if (!file) continue;
      w.begin_object();
      write_file(w, context.files, file.value(), me.user);
      w.end_object();
    }
    w.end_array();
  });
}

}  // namespace

void add_file_routes(net::Router& router, ApiContext& context) {
  router.upload("POST", "/api/files", guarded_upload(context, take_form));
  router.add("POST", "/api/files/urls", net::Lane::kWorker,
             signed_in(context, [&context](const net::Request& request, const Identity& me) {
               return sign(context, request, me);
             }));
  router.add("GET", "/api/files/:id", net::Lane::kFiles,
             [&context](const net::Request& request) { return download(context, request, false); });
  router.add("GET", "/api/files/:id/thumbnail", net::Lane::kFiles,
             [&context](const net::Request& request) { return download(context, request, true); });
}

}  // namespace simpleim::api
