#include "chat_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

#include "http_client.h"

namespace simpleim::bench {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

/// A UUIDv7 whose random part is a counter: unique in this process, ordered by time.
void append_message_id(std::string& out) {
  static std::uint64_t counter = now_ns() << 8;
  const auto ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  std::array<char, 36> text;
  auto high = ms;
  for (int i = 12; i >= 0; --i) {
    if (i == 8) continue;
    text[static_cast<std::size_t>(i)] = kHex[high & 15];
    high >>= 4;
  }
  text[8] = text[13] = text[18] = text[23] = '-';
  text[14] = '7';
  auto low = ++counter;
  for (int i = 35; i >= 15; --i) {
    if (i == 18 || i == 23) continue;
    text[static_cast<std::size_t>(i)] = kHex[low & 15];
    low >>= 4;
  }
  text[19] = '8';
  out.append(text.data(), text.size());
}

void append_client_header(std::string& out, std::size_t payload) {
  out += static_cast<char>(ChatClient::speaks_protobuf ? 0x82 : 0x81);
  if (payload < 126) {
    out += static_cast<char>(0x80 | payload);
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload >> 8);
    out += static_cast<char>(payload & 0xff);
  }
  out.append(4, '\0');
}

std::string upgrade_request(const std::string& target) {
  const auto* protocol = ChatClient::speaks_protobuf ? "Sec-WebSocket-Protocol: simpleim.v1.proto\r\n" : "";
  const auto* extension = ChatClient::deflates ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "";
  return "GET " + target +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         protocol + extension + "\r\n";
}

}  // namespace

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

void append_hex(std::string& out, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) out += kHex[value >> shift & 15];
}

std::uint64_t parse_hex(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) value = value << 4 | static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return value;
}

std::vector<Account> make_accounts(unsigned short port, std::size_t count, const std::string& prefix) {
  std::vector<Account> accounts(count);
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 64; ++t)
    threads.emplace_back([&] {
      HttpClient http(port);
      for (;;) {
        const auto i = next++;
        if (i >= count) return;
        const auto body = R"({"username":")" + prefix + std::to_string(i) + R"(","password":"secret-1"})";
        (void)http.request("POST", "/api/register", body);
        const auto answer = http.request("POST", "/api/login", body);
        accounts[i] = {json_text(answer, "user_id"), json_text(answer, "token")};
      }
    });
  for (auto& thread : threads) thread.join();
  return accounts;
}

ChatClient::ChatClient(ChatClient&& other) noexcept
    : index(other.index),
      in_flight(other.in_flight),
      upgraded(other.upgraded),
      fd_(std::exchange(other.fd_, -1)),
      out_(std::move(other.out_)),
      partial_(std::move(other.partial_)) {}

ChatClient::~ChatClient() { close(); }

void ChatClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  upgraded = false;
  in_flight = 0;
  out_.clear();
  partial_.clear();
}

void ChatClient::open_without_waiting(unsigned short port, const Account& account, const char* source) {
  open_target(port, "/ws?token=" + account.token, source);
}

void ChatClient::open_target(unsigned short port, const std::string& target, const char* source) {
  close();
  fd_ = connect_tcp(port, source);
  const auto request = upgrade_request(target);
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    throw std::runtime_error("send failed");
  ::fcntl(fd_, F_SETFL, O_NONBLOCK);
}

void ChatClient::open(unsigned short port, const Account& account, const char* source) {
  open_without_waiting(port, account, source);
  ::fcntl(fd_, F_SETFL, 0);
  bool synced = false;
  while (!synced)
    if (!read([&](int type, std::string_view) { synced = synced || type == 60; }))
      throw std::runtime_error("the server refused a connection");
  ::fcntl(fd_, F_SETFL, O_NONBLOCK);
}

bool ChatClient::skip_upgrade_answer(std::string_view& data) {
  const auto end = data.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    partial_ = data;
    return false;
  }
  if (data.substr(9, 3) != "101") throw std::runtime_error("no upgrade: " + std::string(data.substr(0, 200)));
  data.remove_prefix(end + 4);
  upgraded = true;
  return true;
}

/// Our server writes the type right behind the message id; in binary frames first of all.
int ChatClient::type_of(std::string_view json) {
  if (speaks_protobuf) return json.starts_with('\x08') ? static_cast<unsigned char>(json[1]) : 0;
  const auto at = json.find(R"(","type":)", 15);
  if (at == std::string_view::npos) return -1;
  int type = 0;
  for (auto i = at + 9; i < json.size() && json[i] >= '0' && json[i] <= '9'; ++i) type = type * 10 + (json[i] - '0');
  return type;
}

/// Of less than 126 bytes.
void ChatClient::queue_protobuf_text(bool group, std::string_view to, std::string_view text) {
  const auto field = [this](char tag, std::size_t size) { out_ += tag, out_ += static_cast<char>(size); };
  append_client_header(out_, 2 + 2 + 36 + 2 + to.size() + 2 + 2 + text.size());
  field('\x08', group ? 2 : 1);
  field('\x12', 36);
  append_message_id(out_);
  field(group ? '\x2a' : '\x22', to.size());
  out_ += to;
  field('\x5a', 2 + text.size());
  field('\x0a', text.size());
  out_ += text;
}

void ChatClient::queue_text(bool group, std::string_view to, std::string_view text) {
  if (speaks_protobuf) return queue_protobuf_text(group, to, text);
  constexpr std::string_view kStart = R"({"message_id":")";
  const std::string_view type = group ? R"(","type":2,"group_id":")" : R"(","type":1,"to":")";
  constexpr std::string_view kContent = R"(","content":{"text":")";
  constexpr std::string_view kEnd = R"("}})";
  append_client_header(out_,
                       kStart.size() + 36 + type.size() + to.size() + kContent.size() + text.size() + kEnd.size());
  out_ += kStart;
  append_message_id(out_);
  out_.append(type).append(to).append(kContent).append(text).append(kEnd);
}

void ChatClient::queue_frame(std::string_view payload) {
  append_client_header(out_, payload.size());
  out_ += payload;
}

void ChatClient::flush() {
  if (out_.empty()) return;
  const auto sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
  if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
}

std::string_view receive(int fd, bool& ended) {
  static thread_local std::string buffer(512 << 10, '\0');
  const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
  ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

std::string_view inflate(std::string_view compressed) {
  static thread_local z_stream stream = [] {
    z_stream made{};
    inflateInit2(&made, -15);
    return made;
  }();
  static thread_local std::string out(64 << 10, '\0');
  static thread_local std::string in;
  in.assign(compressed).append("\0\0\xff\xff", 4);
  inflateReset(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  (void)::inflate(&stream, Z_SYNC_FLUSH);
  return {out.data(), out.size() - stream.avail_out};
}

}  // namespace simpleim::bench
