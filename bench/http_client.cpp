#include "http_client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace simpleim::bench {

int connect_tcp(unsigned short port, const char* source) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (source != nullptr) {
    inet_pton(AF_INET, source, &address.sin_addr);
    (void)::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  address.sin_port = htons(port);
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

std::string json_text(std::string_view json, std::string_view key) {
  const auto needle = "\"" + std::string(key) + "\":\"";
  const auto at = json.find(needle);
  if (at == std::string_view::npos)
    throw std::runtime_error("no " + std::string(key) + " in: " + std::string(json.substr(0, 200)));
  const auto start = at + needle.size();
  return std::string(json.substr(start, json.find('"', start) - start));
}

HttpClient::~HttpClient() {
  if (fd_ >= 0) ::close(fd_);
}

void HttpClient::connect() {
  if (fd_ < 0) fd_ = connect_tcp(port_);
}

std::string HttpClient::request(std::string_view method, std::string_view path, std::string_view body,
                                std::string_view token, std::string_view content_type) {
  connect();
  std::string text;
  text.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  if (!token.empty()) text.append("Authorization: Bearer ").append(token).append("\r\n");
  if (!body.empty()) text.append("Content-Type: ").append(content_type).append("\r\n");
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("send failed");

  std::string answer;
  std::size_t wanted = std::string::npos;
  std::size_t header_end = 0;
  while (wanted == std::string::npos || answer.size() < wanted) {
    std::array<char, 16384> buffer;
    const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) throw std::runtime_error("the server closed the connection");
    answer.append(buffer.data(), static_cast<std::size_t>(got));
    if (wanted != std::string::npos) continue;
    const auto end = answer.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    header_end = end + 4;
    const auto length = answer.find("Content-Length: ");
    wanted = header_end + std::stoul(answer.substr(length + 16));
  }
  if (answer.compare(9, 3, "200") != 0)
    throw std::runtime_error(std::string(method) + " " + std::string(path) + ": " + answer.substr(0, 400));
  return answer.substr(header_end);
}

}  // namespace simpleim::bench
