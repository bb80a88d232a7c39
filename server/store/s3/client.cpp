#include "store/s3/client.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <pugixml.hpp>
#include <thread>

#include "store/sha256.h"
#include "store/store.h"

namespace simpleim::store::s3 {
namespace {

/// Larger files go in parts of this size (S3: 5 MiB to 5 GiB, at most 10,000 of them; larger files get larger parts).
constexpr std::int64_t kPartBytes = 16 << 20;
constexpr std::int64_t kMaxParts = 10'000;
constexpr int kTries = 3;
constexpr std::int64_t kFirstPauseMs = 100;
constexpr std::int64_t kLongestPauseMs = 2000;

/// `2024-01-02T03:04:05.678Z` or `Tue, 02 Jan 2024 03:04:05 GMT`; ms.
std::int64_t parse_time(const std::string& text) {
  std::tm utc{};
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc) == nullptr &&
      ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S", &utc) == nullptr)
    return 0;
  return static_cast<std::int64_t>(::timegm(&utc)) * 1000;
}

std::size_t read_at(int fd, char* into, std::size_t size, std::int64_t offset) {
  const auto got = ::pread(fd, into, size, offset);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

std::string hash_of(int fd, std::int64_t offset, std::int64_t size) {
  Sha256 sha;
  std::string piece(256 << 10, '\0');
  while (size > 0) {
    const auto got =
        read_at(fd, piece.data(), std::min<std::size_t>(piece.size(), static_cast<std::size_t>(size)), offset);
    if (got == 0) break;
    sha.add(std::string_view(piece).substr(0, got));
    offset += static_cast<std::int64_t>(got);
    size -= static_cast<std::int64_t>(got);
  }
  return sha.hex();
}

S3Options with_public_endpoint(S3Options options) {
  options.endpoint = options.public_endpoint;
  return options;
}

}  // namespace

Client::Client(S3Options options, const base::Clock& clock)
    : options_(std::move(options)),
      outside_(with_public_endpoint(options_)),
      clock_(clock),
      http_({options_.deadline_ms}),
      breaker_(clock, kFirstPauseMs, kLongestPauseMs, options_.metrics) {}

http::Response Client::send_once(const Request& request, const http::Body* body) {
  const auto query = encode(request.query);
  http::Request sent{
      request.method, options_.endpoint + encode(request.path, true) + (query.empty() ? "" : "?" + query), {}, body};
  for (const auto& [name, value] : sign(options_, request, clock_.now_ms() / 1000))
    sent.headers.push_back(name + ": " + value);
  return http_.send(sent);
}

http::Response Client::send(Request request, const http::Body* body) {
  if (!breaker_.allow())
    throw StoreError(ErrorCode::kUnavailable, "S3 has just failed; it will be tried again in a moment");
  const auto give_up_ms = clock_.steady_ms() + options_.deadline_ms;
  for (int tried = 1;; ++tried) {
    auto response = send_once(request, body);
    const bool failed_for_now = response.status == 0 || response.status == 500 || response.status == 502 ||
                                response.status == 503 || response.status == 504;
    if (!failed_for_now) {
      breaker_.succeeded();
      return response;
    }
    if (tried == kTries || clock_.steady_ms() >= give_up_ms) {
      breaker_.failed();
      fail(request, response);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kFirstPauseMs * tried));
  }
}

void Client::fail(const Request& request, const http::Response& response) {
  pugi::xml_document document;
  std::string code = response.body;
  if (response.status != 0 && document.load_buffer(response.body.data(), response.body.size()))
    code = document.child("Error").child_value("Code");
  const auto what = "S3, " + request.method + " " + request.path + ": " +
                    (response.status == 0 ? code : std::to_string(response.status) + " " + code);
  if (code.find("StorageFull") != std::string::npos || response.status == 507)
    throw StoreError(ErrorCode::kStorageFull, what);
  const bool unavailable = response.status == 0 || response.status >= 500 || response.status == 429;
  throw StoreError(unavailable ? ErrorCode::kUnavailable : ErrorCode::kInternal, what);
}

void Client::open_bucket() {
  Request look{"HEAD", bucket_path(), {}, {}};
  auto response = send(look);
  if (response.status == 200) return;
  if (response.status != 404) fail(look, response);
  Request make{"PUT", bucket_path(), {}, {}};
  response = send(make);
  if (response.status != 200 && response.status != 409) fail(make, response);  // 409: another node was first
}

std::optional<Object> Client::head(const std::string& key) {
  Request request{"HEAD", path(key), {}, {}};
  auto response = send(request);
  if (response.status == 404) return std::nullopt;
  if (response.status != 200) fail(request, response);
  return Object{key, std::atoll(response.headers["content-length"].c_str()),
                parse_time(response.headers["last-modified"])};
}

std::string Client::get(const std::string& key, std::int64_t offset, std::int64_t size) {
  Request request{"GET", path(key), {}, {}};
  request.headers["range"] = "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1);
  auto response = send(request);
  if (response.status == 416) return {};
  if (response.status != 206 && response.status != 200) fail(request, response);
  // A connection that was cut is an error of curl's; a body of another length is one of the server's.
  const auto length = response.headers.find("content-length");
  if (length != response.headers.end() &&
      static_cast<std::int64_t>(response.body.size()) != std::atoll(length->second.c_str()))
    throw StoreError(ErrorCode::kUnavailable, "S3, GET " + request.path + ": a part of the answer is missing");
  return std::move(response.body);
}

void Client::put(const std::string& key, std::string_view bytes) {
  Sha256 sha;
  sha.add(bytes);
  Request request{"PUT", path(key), {}, {}, sha.hex()};
  const auto body = http::body_of(bytes);
  const auto response = send(request, &body);
  if (response.status != 200) fail(request, response);
}

namespace {

/// Reads `size` bytes of the file from `offset`, again from the start each time it is opened.
auto file_body(int fd, std::int64_t offset, std::int64_t size) {
  return [=] {
    return [=, at = offset](char* into, std::size_t wanted) mutable {
      const auto left = offset + size - at;
      const auto got = read_at(fd, into, std::min(wanted, static_cast<std::size_t>(left)), at);
      at += static_cast<std::int64_t>(got);
      return got;
    };
  };
}

}  // namespace

void Client::put_file(const std::string& key, int fd, std::int64_t size, const std::string& sha256) {
  if (size <= kPartBytes) {
    Request request{"PUT", path(key), {}, {}, sha256};
    const http::Body body{size, file_body(fd, 0, size)};
    const auto response = send(request, &body);
    if (response.status != 200) fail(request, response);
    return;
  }
  Request begin{"POST", path(key), {{"uploads", ""}}, {}};
  auto begun = send(begin);
  pugi::xml_document document;
  if (begun.status != 200 || !document.load_buffer(begun.body.data(), begun.body.size())) fail(begin, begun);
  const std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  try {
    const auto part_bytes = std::max(kPartBytes, (size + kMaxParts - 1) / kMaxParts);
    std::string parts = "<CompleteMultipartUpload>";
    for (std::int64_t offset = 0, number = 1; offset < size; offset += part_bytes, ++number) {
      const auto bytes = std::min(part_bytes, size - offset);
      Request request{
          "PUT", path(key), {{"partNumber", std::to_string(number)}, {"uploadId", id}}, {}, hash_of(fd, offset, bytes)};
      const http::Body body{bytes, file_body(fd, offset, bytes)};
      auto response = send(request, &body);
      if (response.status != 200) fail(request, response);
      parts += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + response.headers["etag"] +
               "</ETag></Part>";
    }
    parts += "</CompleteMultipartUpload>";
    Sha256 sha;
    sha.add(parts);
    Request end{"POST", path(key), {{"uploadId", id}}, {}, sha.hex()};
    const http::Body body{static_cast<std::int64_t>(parts.size()), [&parts] {
                            return [left = std::string_view(parts)](char* into, std::size_t wanted) mutable {
                              const auto taken = left.substr(0, wanted);
                              std::copy(taken.begin(), taken.end(), into);
                              left.remove_prefix(taken.size());
                              return taken.size();
                            };
                          }};
    const auto response = send(end, &body);
    // It may say 200 and then that it failed.
    if (response.status != 200 || response.body.find("<Error>") != std::string::npos) fail(end, response);
  } catch (...) {
    try {
      (void)send({"DELETE", path(key), {{"uploadId", id}}, {}});
    } catch (const StoreError&) {
      // The bucket's own rule for unfinished uploads removes it.
    }
    throw;
  }
}

void Client::touch(const std::string& key) {
  Request request{"PUT", path(key), {}, {}};
  request.headers["x-amz-copy-source"] = encode("/" + options_.bucket + "/" + key, true);
  request.headers["x-amz-metadata-directive"] = "REPLACE";
  const auto response = send(request);
  if (response.status != 200) fail(request, response);
}

void Client::remove(const std::string& key) {
  Request request{"DELETE", path(key), {}, {}};
  const auto response = send(request);
  if (response.status != 204 && response.status != 200 && response.status != 404) fail(request, response);
}

ObjectPage Client::list(const std::string& prefix, const std::string& from, std::size_t limit) {
  Request request{
      "GET", bucket_path(), {{"list-type", "2"}, {"prefix", prefix}, {"max-keys", std::to_string(limit)}}, {}};
  if (!from.empty()) request.query["continuation-token"] = from;
  const auto response = send(request);
  pugi::xml_document document;
  if (response.status != 200 || !document.load_buffer(response.body.data(), response.body.size()))
    fail(request, response);
  const auto result = document.child("ListBucketResult");
  ObjectPage page;
  for (const auto& entry : result.children("Contents"))
    page.objects.push_back({entry.child_value("Key"), std::atoll(entry.child_value("Size")),
                            parse_time(entry.child_value("LastModified"))});
  if (std::string_view(result.child_value("IsTruncated")) == "true")
    page.next = result.child_value("NextContinuationToken");
  return page;
}

std::string Client::link(const std::string& key, std::int64_t expires_s, std::int64_t same_s,
                         const Query& response_headers) const {
  const auto now_s = clock_.now_ms() / 1000;
  return presign(outside_, {"GET", path(key), response_headers, {}}, now_s - now_s % same_s, expires_s);
}

std::string Client::put_link(const std::string& key, std::int64_t size, std::int64_t expires_s) const {
  const Request request{"PUT", path(key), {}, {{"content-length", std::to_string(size)}}};
  return presign(outside_, request, clock_.now_ms() / 1000, expires_s);
}

}  // namespace simpleim::store::s3
