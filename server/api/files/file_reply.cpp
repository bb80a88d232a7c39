#include "api/files/file_reply.h"

#include <charconv>

#include "media/content_type.h"

namespace simpleim::api {
namespace {

/// Types that browsers would run or show with the server's rights; they are sent as bytes.
bool is_plain(std::string_view mime) {
  return !(mime.starts_with("text/") && mime != "text/plain" && mime != "text/csv") &&
         mime.find("xml") == std::string_view::npos && mime.find("script") == std::string_view::npos &&
         mime.find("html") == std::string_view::npos;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
        c == '_') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

/// RFC 6266: an ASCII stand-in and the whole name.
std::string disposition(std::string_view kind, std::string_view name) {
  std::string ascii;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      if (byte >= 0xc0) ascii += '_';
    } else {
      ascii += byte < 0x20 || c == '"' || c == '\\' || c == '%' || byte == 0x7f ? '_' : c;
    }
  }
  return std::string(kind) + "; filename=\"" + ascii + "\"; filename*=UTF-8''" + percent_encode(name);
}

struct Range {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
enum class RangeAnswer { kWhole, kPart, kUnsatisfiable };

/// One range; several, and what is malformed, are answered with the whole, as the RFC allows.
RangeAnswer parse_range(std::string_view header, std::int64_t size, Range& out) {
  constexpr std::string_view kUnit = "bytes=";
  const auto dash = header.find('-');
  if (!header.starts_with(kUnit) || dash == std::string_view::npos || header.find(',') != std::string_view::npos)
    return RangeAnswer::kWhole;
  const auto first = header.substr(kUnit.size(), dash - kUnit.size());
  const auto last = header.substr(dash + 1);
  if (first.empty()) {
    const auto suffix = whole_number(last);
    if (!suffix) return RangeAnswer::kWhole;
    if (*suffix == 0 || size == 0) return RangeAnswer::kUnsatisfiable;
    out = {std::max<std::int64_t>(0, size - *suffix), size - 1};
    return RangeAnswer::kPart;
  }
  const auto from = whole_number(first);
  const auto to = last.empty() ? std::optional(size - 1) : whole_number(last);
  if (!from || !to || (!last.empty() && *to < *from)) return RangeAnswer::kWhole;
  if (*from >= size) return RangeAnswer::kUnsatisfiable;
  out = {*from, std::min(*to, size - 1)};
  return RangeAnswer::kPart;
}

constexpr std::string_view kKeep = "private, max-age=86400, immutable";

/// Browsers come back for a new link before this one has expired.
net::Response redirect(std::string link) {
  net::Response response;
  response.status = 302;
  response.headers = {{"Location", std::move(link)}, {"Cache-Control", "private, max-age=300"}};
  return response;
}

class ContentSource final : public net::BodySource {
 public:
  explicit ContentSource(std::unique_ptr<store::FileStore::Reader> reader) : reader_(std::move(reader)) {}
  std::size_t read(std::span<char> into) override { return reader_->read(into); }

 private:
  const std::unique_ptr<store::FileStore::Reader> reader_;
};

}  // namespace

void write_file(JsonWriter& w, const service::Files& files, const store::File& file, UserId me) {
  constexpr std::array kKinds{"file", "image", "audio", "video"};
  w.field("file_id", file.id.str())
      .field("url", files.link_for(me, file, false))
      .field("file_name", file.name)
      .field("file_size", file.size)
      .field("mime", file.mime)
      .field("kind", kKinds[static_cast<std::size_t>(file.kind)])
      .field("sha256", file.sha256);
  if (!file.thumbnail.empty()) w.field("thumbnail_url", files.link_for(me, file, true));
  if (file.width > 0) w.field("width", file.width).field("height", file.height);
  if (file.duration_ms > 0) w.key("duration").raw(std::to_string(static_cast<double>(file.duration_ms) / 1000));
}

net::Response send_file(service::Files& files, const store::File& file, bool thumbnail, const net::Request& request,
                        std::int64_t shared_s) {
  const auto& sha256 = thumbnail ? file.thumbnail : file.sha256;
  if (sha256.empty()) return failure(protocol::not_found());
  const bool shown = thumbnail || (file.kind != store::FileKind::kFile && request.param("download").empty());
  const store::FileStore::Served served{
      thumbnail             ? "image/webp"
      : is_plain(file.mime) ? file.mime
                            : "application/octet-stream",
      disposition(shown ? "inline" : "attachment", thumbnail ? "thumbnail.webp" : file.name),
      shared_s > 0 ? "public, max-age=" + std::to_string(shared_s) + ", immutable" : std::string(kKeep)};
  if (shared_s == 0)
    if (auto link = files.link(sha256, served); !link.empty()) return redirect(std::move(link));
  auto reader = files.open(sha256, 0);
  if (!reader) return failure(protocol::not_found());
  const auto size = reader->size();
  const auto etag = "\"" + sha256 + "\"";

  net::Response response;
  response.headers = {{"ETag", etag},
                      {"Cache-Control", served.cache_control},
                      {"Accept-Ranges", "bytes"},
                      {"Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'"}};
  // Whose page shows it makes no difference: one copy is for all.
  if (shared_s > 0) {
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    response.headers.emplace_back("Cross-Origin-Resource-Policy", "cross-origin");
  }
  if (request.header("if-none-match") == etag) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Disposition", served.disposition);
  response.content_type = served.content_type;
  Range range{0, size - 1};
  const auto if_range = request.header("if-range");
  const auto asked = if_range.empty() || if_range == etag ? request.header("range") : std::string_view();
  switch (parse_range(asked, size, range)) {
    case RangeAnswer::kUnsatisfiable: {
      auto refused = failure(416, "the range is outside the file");
      refused.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
      return refused;
    }
    case RangeAnswer::kPart:
      response.status = 206;
      response.headers.emplace_back("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                                         std::to_string(range.last) + "/" + std::to_string(size));
      reader = files.open(sha256, range.first);
      if (!reader) return failure(protocol::not_found());
      break;
    case RangeAnswer::kWhole:
      break;
  }
  response.source_bytes = static_cast<std::uint64_t>(range.last - range.first + 1);
  if (response.source_bytes > 0) response.source = std::make_shared<ContentSource>(std::move(reader));
  return response;
}

}  // namespace simpleim::api
