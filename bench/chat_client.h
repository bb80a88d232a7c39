#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace simpleim::bench {

struct Account {
  std::string user_id;
  std::string token;
};

/// Registers and signs in `count` users over several connections.
std::vector<Account> make_accounts(unsigned short port, std::size_t count, const std::string& prefix);

/// A WebSocket client that spends as little as possible a frame: it masks with zeros (the server
/// unmasks all the same), and looks only at the type of what comes.
class ChatClient {
 public:
  ChatClient() = default;
  ChatClient(ChatClient&& other) noexcept;
  ~ChatClient();

  /// All clients of the run write and read binary frames (proto/simpleim.proto).
  static inline bool speaks_protobuf = false;
  /// All clients of the run offer permessage-deflate.
  static inline bool deflates = false;
  /// What all clients have been sent, with the headers of the frames.
  static inline std::uint64_t received_bytes = 0;

  /// Connects and upgrades, blocking; the socket is non-blocking afterwards.
  void open(unsigned short port, const Account& account, const char* source = nullptr);
  /// Sends the upgrade request only; the answer comes as the first bytes.
  void open_without_waiting(unsigned short port, const Account& account, const char* source = nullptr);
  /// The same for the WebSocket of another server.
  void open_target(unsigned short port, const std::string& target, const char* source = nullptr);
  void close();
  int fd() const { return fd_; }

  /// Appends a text message to what flush() sends.
  void queue_text(bool group, std::string_view to, std::string_view text);
  /// Appends a text frame of at most 65,535 bytes.
  void queue_frame(std::string_view payload);
  /// Writes what is queued, as far as the socket takes it.
  void flush();
  bool has_unsent() const { return !out_.empty(); }

  /// Reads all there is; calls `frame(type, payload)` for each frame. False at the end of the stream.
  template <class F>
  bool read(F&& frame);

  /// Free for the scenario.
  std::size_t index = 0;
  std::size_t in_flight = 0;
  bool upgraded = false;

 private:
  bool skip_upgrade_answer(std::string_view& data);
  static int type_of(std::string_view frame);
  void queue_protobuf_text(bool group, std::string_view to, std::string_view text);

  int fd_ = -1;
  std::string out_;
  std::string partial_;
};

std::string_view receive(int fd, bool& ended);
/// A compressed message, good until the next one.
std::string_view inflate(std::string_view compressed);
/// Nanoseconds of the steady clock.
std::uint64_t now_ns();
/// 16 hexadecimal digits.
void append_hex(std::string& out, std::uint64_t value);
std::uint64_t parse_hex(std::string_view digits);

template <class F>
bool ChatClient::read(F&& frame) {
  bool ended = false;
  auto data = receive(fd_, ended);
  if (ended) return false;
  received_bytes += data.size();
  std::string joined;
  if (!partial_.empty()) {
    joined = std::move(partial_);
    joined.append(data);
    partial_.clear();
    data = joined;
  }
  if (!upgraded && !skip_upgrade_answer(data)) return true;
  while (data.size() >= 2) {
    std::size_t size = static_cast<unsigned char>(data[1]) & 0x7f;
    std::size_t header = 2;
    if (size == 126) {
      if (data.size() < 4) break;
      size = static_cast<std::size_t>(static_cast<unsigned char>(data[2])) << 8 | static_cast<unsigned char>(data[3]);
      header = 4;
    } else if (size == 127) {
      if (data.size() < 10) break;
      size = 0;
      for (int i = 2; i < 10; ++i) size = size << 8 | static_cast<unsigned char>(data[static_cast<std::size_t>(i)]);
      header = 10;
    }
    if (data.size() < header + size) break;
    if ((data[0] & 0x0f) == 1 || (data[0] & 0x0f) == 2) {
      const auto payload = (data[0] & 0x40) != 0 ? inflate(data.substr(header, size)) : data.substr(header, size);
      frame(type_of(payload), payload);
    }
    data.remove_prefix(header + size);
  }
  partial_ = data;
  return true;
}

}  // namespace simpleim::bench
