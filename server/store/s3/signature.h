#pragma once

#include <map>
#include <string>
#include <string_view>

#include "store/s3/options.h"

/// AWS Signature Version 4 for S3 (docs.aws.amazon.com: "Authenticating Requests", header and query string forms).
namespace simpleim::store::s3 {

/// The hash of no body, and the word for one that is not hashed.
inline constexpr std::string_view kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";

/// Sorted, as they are signed; values are not encoded yet.
using Query = std::map<std::string, std::string>;

struct Request {
  std::string method;
  /// `/bucket/key`, not encoded.
  std::string path;
  Query query;
  /// Further headers to sign, names in lower case.
  std::map<std::string, std::string> headers;
  std::string payload_hash{kEmptyHash};
};

std::string encode(std::string_view text, bool keep_slashes);
/// `name=value&…`, encoded.
std::string encode(const Query& query);

/// The headers to send: those of the request, Host, X-Amz-*, Authorization. `now_s`: Unix time.
std::map<std::string, std::string> sign(const S3Options& options, const Request& request, std::int64_t now_s);
/// A link that anybody may use for `expires_s` seconds, with the request's headers as they are.
std::string presign(const S3Options& options, Request request, std::int64_t now_s, std::int64_t expires_s);

}  // namespace simpleim::store::s3
