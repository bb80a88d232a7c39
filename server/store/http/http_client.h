#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

typedef void CURL;

namespace simpleim::store::http {

/// Fills `into` with the next bytes, at most `size`; 0: the end.
using BodyReader = std::function<std::size_t(char* into, std::size_t size)>;
struct Body {
  std::int64_t size = 0;
  /// Makes a reader from the start; a request may need several.
  std::function<BodyReader()> open;
};
/// A body of bytes that outlive the request.
Body body_of(std::string_view bytes);

struct Request {
  std::string method;
  std::string url;
  /// `Name: value`.
  std::vector<std::string> headers;
  /// Null: none.
  const Body* body = nullptr;
};

struct Response {
  /// 0: nobody has answered, and `body` says why.
  long status = 0;
  std::string body;
  /// By their names in lower case.
  std::map<std::string, std::string> headers;
  /// Somebody is there, but his certificate is not to be trusted, or not for this name.
  bool is_untrusted = false;
};

struct HttpOptions {
  /// What no request waits longer for while nothing comes.
  std::int64_t deadline_ms = 0;
  /// Bytes of an answer; a longer one is none.
  std::size_t max_answer = 16 << 20;
  /// What certificates are checked against; empty: what the machine trusts.
  std::string ca_file = {};
  /// Basic authentication; empty: none.
  std::string user = {};
  std::string password = {};
};

/// HTTP to a server whose connections are kept. Any thread, blocking; never throws for what a server does. Only http
/// and https, no redirects.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Response send(const Request& request);

 private:
  CURL* take();
  void give_back(CURL* handle);

  const HttpOptions options_;
  std::mutex mutex_;
  std::vector<CURL*> idle_;
};

}  // namespace simpleim::store::http
