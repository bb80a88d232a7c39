#include "store/s3/signature.h"

#include <openssl/hmac.h>

#include <ctime>

#include "store/sha256.h"

namespace simpleim::store::s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kUpperHex = "0123456789ABCDEF";
constexpr std::string_view kLowerHex = "0123456789abcdef";

std::string hmac(std::string_view key, std::string_view text) {
  std::string out(Sha256::kBytes, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += kLowerHex[static_cast<unsigned char>(c) >> 4];
    out += kLowerHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string hash(std::string_view text) {
  Sha256 sha;
  sha.add(text);
  return sha.hex();
}

/// `YYYYMMDDTHHMMSSZ`.
std::string time_text(std::int64_t now_s) {
  const auto seconds = static_cast<std::time_t>(now_s);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return text;
}

std::string scope(const S3Options& options, const std::string& time) {
  return time.substr(0, 8) + "/" + options.region + "/s3/aws4_request";
}

std::string host_of(const S3Options& options) {
  const auto start = options.endpoint.find("://");
  return options.endpoint.substr(start == std::string::npos ? 0 : start + 3);
}

std::string signature(const S3Options& options, const std::string& time, std::string_view canonical) {
  const auto key =
      hmac(hmac(hmac(hmac("AWS4" + options.secret_key, time.substr(0, 8)), options.region), "s3"), "aws4_request");
  return hex(hmac(key, std::string(kAlgorithm) + "\n" + time + "\n" + scope(options, time) + "\n" + hash(canonical)));
}

std::string names(const std::map<std::string, std::string>& headers) {
  std::string out;
  for (const auto& [name, value] : headers) out += (out.empty() ? "" : ";") + name;
  return out;
}

std::string canonical(const Request& request, const std::map<std::string, std::string>& headers,
                      std::string_view payload_hash) {
  std::string out = request.method + "\n" + encode(request.path, true) + "\n" + encode(request.query) + "\n";
  for (const auto& [name, value] : headers) out += name + ":" + value + "\n";
  return out + "\n" + names(headers) + "\n" + std::string(payload_hash);
}

}  // namespace

std::string encode(std::string_view text, bool keep_slashes) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~' || (keep_slashes && c == '/');
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kUpperHex[static_cast<unsigned char>(c) >> 4];
      out += kUpperHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string encode(const Query& query) {
  std::string out;
  for (const auto& [name, value] : query)
    out += (out.empty() ? "" : "&") + encode(name, false) + "=" + encode(value, false);
  return out;
}

std::map<std::string, std::string> sign(const S3Options& options, const Request& request, std::int64_t now_s) {
  const auto time = time_text(now_s);
  auto headers = request.headers;
  headers["host"] = host_of(options);
  headers["x-amz-content-sha256"] = request.payload_hash;
  headers["x-amz-date"] = time;
  const auto signed_names = names(headers);
  const auto proof = signature(options, time, canonical(request, headers, request.payload_hash));
  headers["authorization"] = std::string(kAlgorithm) + " Credential=" + options.access_key + "/" +
                             scope(options, time) + ", SignedHeaders=" + signed_names + ", Signature=" + proof;
  return headers;
}

std::string presign(const S3Options& options, Request request, std::int64_t now_s, std::int64_t expires_s) {
  const auto time = time_text(now_s);
  auto headers = request.headers;
  headers["host"] = host_of(options);
  std::string names;
  for (const auto& [name, value] : headers) names += (names.empty() ? "" : ";") + name;
  request.query["X-Amz-Algorithm"] = kAlgorithm;
  request.query["X-Amz-Credential"] = options.access_key + "/" + scope(options, time);
  request.query["X-Amz-Date"] = time;
  request.query["X-Amz-Expires"] = std::to_string(expires_s);
  request.query["X-Amz-SignedHeaders"] = names;
  const auto proof = signature(options, time, canonical(request, headers, kUnsigned));
  return options.endpoint + encode(request.path, true) + "?" + encode(request.query) + "&X-Amz-Signature=" + proof;
}

}  // namespace simpleim::store::s3
