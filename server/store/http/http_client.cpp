#include "store/http/http_client.h"

#include <curl/curl.h>

#include <algorithm>

#include "store/store.h"

namespace simpleim::store::http {
namespace {

constexpr std::size_t kMaxIdle = 16;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

long seconds(std::int64_t ms) { return static_cast<long>(std::max<std::int64_t>(1, (ms + 999) / 1000)); }

/// What is gathered of an answer.
struct Gathered {
  Response response;
  std::size_t max_size;
};

std::size_t read_body(char* into, std::size_t size, std::size_t count, void* data) {
  auto& read = *static_cast<BodyReader*>(data);
  return read ? read(into, size * count) : 0;
}

std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* data) {
  auto& gathered = *static_cast<Gathered*>(data);
  auto& body = gathered.response.body;
  if (body.size() + size * count > gathered.max_size) return 0;
  body.append(bytes, size * count);
  return size * count;
}

std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* data) {
  const std::string_view line(bytes, size * count);
  const auto colon = line.find(':');
  if (colon != std::string_view::npos) {
    auto value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front()))) value.remove_prefix(1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back()))) value.remove_suffix(1);
    static_cast<Gathered*>(data)->response.headers[lower(line.substr(0, colon))] = value;
  }
  return size * count;
}

}  // namespace

Body body_of(std::string_view bytes) {
  return {static_cast<std::int64_t>(bytes.size()), [bytes] {
            return [left = bytes](char* into, std::size_t size) mutable {
              const auto taken = left.substr(0, size);
              std::copy(taken.begin(), taken.end(), into);
              left.remove_prefix(taken.size());
              return taken.size();
            };
          }};
}

HttpClient::HttpClient(HttpOptions options) : options_(std::move(options)) {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!ready) throw StoreError(ErrorCode::kInternal, "libcurl cannot be used");
}

HttpClient::~HttpClient() {
  for (auto* handle : idle_) curl_easy_cleanup(handle);
}

CURL* HttpClient::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return curl_easy_init();
  auto* handle = idle_.back();
  idle_.pop_back();
  return handle;
}

void HttpClient::give_back(CURL* handle) {
  {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMaxIdle) return idle_.push_back(handle);
  }
  curl_easy_cleanup(handle);
}

Response HttpClient::send(const Request& request) {
  auto* handle = take();
  curl_easy_reset(handle);  // keeps its connection
  Gathered gathered{{}, options_.max_answer};
  curl_slist* headers = nullptr;
  for (const auto& header : request.headers) headers = curl_slist_append(headers, header.c_str());
  headers = curl_slist_append(headers, "Expect:");
  BodyReader reader = request.body != nullptr ? request.body->open() : BodyReader();

  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.deadline_ms));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, seconds(options_.deadline_ms));
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  if (!options_.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, options_.ca_file.c_str());
  if (!options_.user.empty()) {
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(handle, CURLOPT_USERNAME, options_.user.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, options_.password.c_str());
  }
  if (request.method == "HEAD") curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  else curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.body != nullptr || request.method == "PUT" || request.method == "POST") {
    const auto size = request.body != nullptr ? request.body->size : 0;
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
    curl_easy_setopt(handle, CURLOPT_READDATA, &reader);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, &read_body);
  }
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &gathered);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &gathered);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &take_header);
  const auto result = curl_easy_perform(handle);
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &gathered.response.status);
  curl_slist_free_all(headers);
  if (result != CURLE_OK) {
    curl_easy_cleanup(handle);
    const bool is_untrusted = result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE;
    return {0, curl_easy_strerror(result), {}, is_untrusted};
  }
  give_back(handle);
  return std::move(gathered.response);
}

}  // namespace simpleim::store::http
