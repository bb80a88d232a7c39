#pragma once

#include <string>
#include <string_view>

namespace simpleim::bench {

/// A blocking keep-alive HTTP client for setting scenarios up and for timing requests. One thread.
class HttpClient {
 public:
  explicit HttpClient(unsigned short port) : port_(port) {}
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// The body of a 200; throws std::runtime_error on anything else.
  std::string request(std::string_view method, std::string_view path, std::string_view body = "",
                      std::string_view token = "", std::string_view content_type = "application/json");

 private:
  void connect();

  const unsigned short port_;
  int fd_ = -1;
};

/// A connected TCP socket to the loopback; `source` may name another 127.0.0.x to dial from.
int connect_tcp(unsigned short port, const char* source = nullptr);
/// The text between `"key":"` and the next quote; enough for our own server's answers.
std::string json_text(std::string_view json, std::string_view key);

}  // namespace simpleim::bench
