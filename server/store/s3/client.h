#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/circuit_breaker.h"
#include "store/http/http_client.h"
#include "store/s3/signature.h"

namespace simpleim::store::s3 {

struct Object {
  std::string key;
  std::int64_t size = 0;
  /// ms since the Unix epoch.
  std::int64_t modified_ms = 0;
};

struct ObjectPage {
  std::vector<Object> objects;
  /// Where the next page begins; empty: this is the last.
  std::string next;
};

/// One bucket over HTTP. Any thread, blocking; a call ends when nothing has come for options.deadline_ms. What fails
/// for a moment (500, 503, a cut connection) is tried again. Throws StoreError: kUnavailable, kStorageFull or
/// kInternal.
class Client {
 public:
  Client(S3Options options, const base::Clock& clock);

  /// Makes the bucket when there is none.
  void open_bucket();
  std::optional<Object> head(const std::string& key);
  /// Bytes from `offset`, at most `size`; fewer at the end.
  std::string get(const std::string& key, std::int64_t offset, std::int64_t size);
  void put(const std::string& key, std::string_view body);
  /// `size` bytes of the file: in one request, or in parts that are uploaded one after the other. `sha256`: of all.
  void put_file(const std::string& key, int fd, std::int64_t size, const std::string& sha256);
  /// Makes its modification time now. Not for objects of more than 5 GB.
  void touch(const std::string& key);
  void remove(const std::string& key);
  ObjectPage list(const std::string& prefix, const std::string& from, std::size_t limit);
  /// A link to read it with at options.public_endpoint, with these response headers: for `expires_s` at most, the same
  /// link for `same_s` of them.
  std::string link(const std::string& key, std::int64_t expires_s, std::int64_t same_s,
                   const Query& response_headers) const;
  /// A link to put exactly `size` bytes there.
  std::string put_link(const std::string& key, std::int64_t size, std::int64_t expires_s) const;

 private:
  http::Response send(Request request, const http::Body* body = nullptr);
  http::Response send_once(const Request& request, const http::Body* body);
  [[noreturn]] void fail(const Request& request, const http::Response& response);
  std::string path(const std::string& key) const {
    return (options_.bucket_in_host ? "/" : "/" + options_.bucket + "/") + key;
  }
  std::string bucket_path() const { return "/" + (options_.bucket_in_host ? "" : options_.bucket); }

  const S3Options options_;
  /// With the address that others use.
  const S3Options outside_;
  const base::Clock& clock_;
  http::HttpClient http_;
  base::CircuitBreaker breaker_;
};

}  // namespace simpleim::store::s3
