#include <charconv>

#include "api/files/file_reply.h"
#include "base/utf8.h"
#include "base/visible_text.h"
#include "media/content_type.h"
#include "media/media_processor.h"
#include "net/base64.h"
#include "net/header_value.h"

/// Files in parts: tus 1.0 (tus.io/protocols/resumable-upload) with creation and termination.
namespace simpleim::api {
namespace {

using service::Files;

constexpr auto kVersion = "1.0.0";
/// What a client may put into the store of files in one request.
constexpr std::int64_t kDirectBytes = 64 << 20;

net::Response tus(net::Response response) {
  response.headers.emplace_back("Tus-Resumable", kVersion);
  return response;
}

net::Response empty(int status) {
  net::Response response;
  response.status = status;
  return tus(std::move(response));
}

/// "filename d29ybGQ=,as ZmlsZQ==": one value of it.
std::string metadata(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    auto item = header.substr(0, std::min(header.find(','), header.size()));
    header.remove_prefix(std::min(item.size() + 1, header.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    const auto space = std::min(item.find(' '), item.size());
    if (item.substr(0, space) != name) continue;
    return net::decode_base64(item.substr(std::min(space + 1, item.size()))).value_or("");
  }
  return "";
}

net::Response create_upload(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto size = whole_number(request.header("upload-length"));
  if (!size) return tus(failure(protocol::invalid_field("Upload-Length", "the size in bytes is needed")));
  const auto wait = context.uploads.take(me.user.str(), context.clock.steady_ms());
  if (wait > 0) return tus(failure(Error{ErrorCode::kRateLimited, "too many uploads; try again later", "", wait}));
  const auto about = request.header("upload-metadata");
  if (const auto name = metadata(about, "filename"); base::is_utf8(name) && base::has_bidi_override(name))
    return tus(failure(treacherous_name("Upload-Metadata")));
  const auto duration = whole_number(metadata(about, "duration_ms"));
  const auto upload = context.files.create_upload(
      me.user, *size, {metadata(about, "filename"), metadata(about, "as") == "file", duration.value_or(0)});
  if (!upload) return tus(failure(upload.error()));
  // Nothing more comes for an empty file: it is whole.
  if (*size == 0)
    if (const auto file = context.files.end_upload(me.user, upload.value().id); !file)
      return tus(failure(file.error()));
  auto response = ok([&](JsonWriter& w) { w.field("upload_id", upload.value().id); });
  response.status = 201;
  response.headers.emplace_back("Location", context.info.public_path + "/api/uploads/" + upload.value().id);
  return tus(std::move(response));
}

/// The next part of an upload. Whoever comes later takes over: the connection before him may be dead without knowing.
class PartSink final : public net::BodySink {
 public:
  PartSink(ApiContext& context, UserId me, Files::Progress progress, UploadTurns::Turn turn)
      : context_(context),
        me_(me),
        id_(progress.upload.id),
        left_(progress.upload.size - progress.offset),
        size_(progress.upload.size),
        begins_(progress.offset == 0),
        beginning_(begins_ ? "" : context.files.part_beginning(id_)),
        turn_(std::move(turn)),
        writer_(context.files.append(id_)) {}

  std::optional<net::Response> write(std::string_view piece) override {
    const auto working = turn_.work();
    if (!working) return taken_over();
    if (static_cast<std::int64_t>(piece.size()) > left_)
      return tus(failure(Error{ErrorCode::kTooLarge, "this is more than the Upload-Length that was announced"}));
    try {
      writer_->write(piece);
    } catch (const store::StoreError& e) {
      return tus(failure(e.as_error()));
    }
    left_ -= static_cast<std::int64_t>(piece.size());
    if (begins_ && beginning_.size() < media::kSniffBytes)
      beginning_ += piece.substr(0, media::kSniffBytes - beginning_.size());
    return std::nullopt;
  }

  net::Response finish() override {
    const auto working = turn_.work();
    if (!working) return taken_over();
    try {
      (void)writer_->finish();
      if (left_ == 0) {
        const auto file = context_.files.end_upload(me_, id_);
        if (!file) return tus(failure(file.error()));
      }
    } catch (const store::StoreError& e) {
      return tus(failure(e.as_error()));
    }
    auto response = empty(204);
    response.headers.emplace_back("Upload-Offset", std::to_string(size_ - left_));
    return response;
  }

  bool keeps_what_came() const override { return true; }
  /// The last part of a picture; where its beginning is not at hand it may be one.
  bool finishes_slowly() const override {
    return left_ == 0 && (beginning_.empty() || media::needs_processing(media::content_type(beginning_)));
  }
  std::uint64_t owner() const override { return me_.value; }

 private:
  static net::Response taken_over() {
    return tus(failure(Error{ErrorCode::kConflict, "another request goes on with this upload"}));
  }

  ApiContext& context_;
  const UserId me_;
  const std::string id_;
  std::int64_t left_;
  const std::int64_t size_;
  /// Its first bytes come with this part.
  const bool begins_;
  std::string beginning_;
  UploadTurns::Turn turn_;
  const std::unique_ptr<store::FileStore::Writer> writer_;
};

std::string path_text(const net::Request& request) {
  const auto found = request.path_values.find("id");
  return found == request.path_values.end() ? "" : found->second;
}

std::variant<net::Response, std::unique_ptr<net::BodySink>> take_part(ApiContext& context, const net::Request& head) {
  const auto me = authenticate(context, head);
  if (!me) return tus(failure(me.error()));
  if (net::lower(net::trim(head.header("content-type"))) != "application/offset+octet-stream")
    return tus(failure(Error{ErrorCode::kMediaType, "Content-Type must be application/offset+octet-stream"}));
  const auto id = path_text(head);
  if (const auto known = context.files.upload(me.value().user, id); !known) return tus(failure(known.error()));
  auto turn = context.upload_turns.take(id);
  auto progress = context.files.upload(me.value().user, id);
  if (!progress) return tus(failure(progress.error()));
  if (whole_number(head.header("upload-offset")) != progress.value().offset)
    return tus(failure(Error{ErrorCode::kConflict, "Upload-Offset is not where the upload stands, " +
                                                       std::to_string(progress.value().offset)}));
  if (progress.value().upload.file) {
    auto response = empty(204);
    response.headers.emplace_back("Upload-Offset", std::to_string(progress.value().offset));
    return response;
  }
  return std::make_unique<PartSink>(context, me.value().user, std::move(progress.value()), std::move(turn));
}

net::Response offset(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto id = path_text(request);
  if (const auto known = context.files.upload(me.user, id); !known) return tus(failure(known.error()));
  const auto turn = context.upload_turns.take(id);  // a dead connection must not go on writing
  const auto progress = context.files.upload(me.user, id);
  if (!progress) return tus(failure(progress.error()));
  auto response = empty(200);
  response.headers.emplace_back("Upload-Offset", std::to_string(progress.value().offset));
  response.headers.emplace_back("Upload-Length", std::to_string(progress.value().upload.size));
  return response;
}

net::Response result(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto id = path_text(request);
  const auto progress = context.files.upload(me.user, id);
  if (!progress) return failure(progress.error());
  const auto& [upload, at] = progress.value();
  // A crash may have come between the last byte and the file.
  const auto file = at == upload.size ? std::optional(context.files.end_upload(me.user, id)) : std::nullopt;
  if (file && !*file) return failure(file->error());
  return ok([&, &upload = upload, at = at](JsonWriter& w) {
    w.field("upload_id", id).field("offset", at).field("size", upload.size);
    const auto next = std::min(kDirectBytes, upload.size - at);
    if (const auto link = next > 0 ? context.files.part_link(id, at, next) : ""; !link.empty())
      w.field("put_url", link).field("put_size", next);
    if (!file) return;
    w.key("file").begin_object();
    write_file(w, context.files, file->value(), me.user);
    w.end_object();
  });
}

net::Response cancel(ApiContext& context, const net::Request& request, const Identity& me) {
  const auto id = path_text(request);
  if (const auto known = context.files.upload(me.user, id); !known) return tus(failure(known.error()));
  const auto turn = context.upload_turns.take(id);
  const auto cancelled = context.files.cancel_upload(me.user, id);
  return cancelled ? empty(204) : tus(failure(cancelled.error()));
}

net::Response options(ApiContext& context) {
  auto response = empty(204);
  response.headers.emplace_back("Tus-Version", kVersion);
  response.headers.emplace_back("Tus-Extension", "creation,termination");
  if (context.files.max_bytes() > 0)
    response.headers.emplace_back("Tus-Max-Size", std::to_string(context.files.max_bytes()));
  return response;
}

}  // namespace

void add_upload_routes(net::Router& router, ApiContext& context) {
  const auto with_context = [&context](auto handler) {
    return signed_in(context, [&context, handler](const net::Request& request, const Identity& me) {
      return handler(context, request, me);
    });
  };
  router.add("OPTIONS", "/api/uploads", net::Lane::kInline,
             [&context](const net::Request&) { return options(context); });
  router.add("POST", "/api/uploads", net::Lane::kFiles, with_context(create_upload));
  router.add("HEAD", "/api/uploads/:id", net::Lane::kFiles, with_context(offset));
  router.add("GET", "/api/uploads/:id", net::Lane::kFiles, with_context(result));
  router.add("DELETE", "/api/uploads/:id", net::Lane::kFiles, with_context(cancel));
  router.upload("PATCH", "/api/uploads/:id", guarded_upload(context, take_part));
}

}  // namespace simpleim::api
