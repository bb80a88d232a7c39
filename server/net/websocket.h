#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "net/io_thread.h"
#include "net/permessage_deflate.h"
#include "net/shared_bytes.h"
#include "net/stream.h"
#include "net/websocket_frame.h"

namespace simpleim::net {

/// What a connection tells its owner; all on the connection's I/O thread.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  /// A whole message of well-formed UTF-8; IoThread::kReadPadding bytes behind it may be read.
  virtual void on_text(std::string_view text) = 0;
  virtual void on_binary(std::string_view bytes) = 0;
  /// What one read brought has been handed over.
  virtual void on_read_end() {}
  /// The peer has answered our latest ping, by its number, hence has got everything queued before it. A pong that
  /// nobody asked for (RFC 6455 section 5.5.3), or of an earlier ping, is a sign of life and proves nothing.
  virtual void on_pong() {}
  /// A ping is about to be queued.
  virtual void on_ping() {}
  /// Everything queued has gone to the kernel after it had not at once.
  virtual void on_drained() {}
  /// The end; nothing else is called after it. `code` is what we sent or got.
  virtual void on_closed(CloseCode code) = 0;
};

/// A server's WebSocket connection (RFC 6455). Born, served and closed on one I/O thread.
/// Output is queued during a pass and written at its end in one gather write; what the socket does
/// not take waits in a bounded backlog, beyond which the connection is closed with 4009.
class WebSocket final : public std::enable_shared_from_this<WebSocket>, public Timer {
 public:
  /// Settings limits.frame_bytes, limits.outbound_queue_bytes and heartbeat.* have the defaults.
  struct Options {
    std::size_t max_message = 0;
    /// 0: no limit.
    std::size_t max_unsent = 0;
    std::int64_t ping_ms = 0;
    /// After so long without a sign of life the connection ends (silence_code), and after so long in which the socket
    /// took nothing of what waits for it, too (4009), however much its client talks.
    std::int64_t silence_ms = 0;
    CloseCode silence_code = CloseCode::kHeartbeatTimeout;
    /// Agree on permessage-deflate with clients that offer it.
    bool deflate = false;
    /// Messages from this size on are compressed where that makes them smaller; 0: all of them, in any case.
    std::size_t deflate_from = kMinDeflated;
  };

  /// `deflate_bits`: the window that was agreed on for what is sent compressed; 0: nothing is.
  WebSocket(IoThread& thread, Stream stream, const Options& options, int deflate_bits = 0);
  ~WebSocket() override;

  /// Takes the handler and begins; `received` came behind the upgrade request.
  void start(std::unique_ptr<WebSocketHandler> handler, std::string_view received);

  /// Queues frames that stand in `bytes`, which lives until the end of the pass.
  void queue(const SharedBytes& bytes);
  /// Queues part of `owner`.
  void queue(const SharedBytes& owner, std::string_view part);
  /// Queues one text message; copies it.
  void queue_text(std::string_view text);
  void queue_frame(Opcode opcode, std::string_view payload);
  /// Writes what is queued. Called by the thread at the end of a pass.
  void flush();
  /// Ends the connection at once, because writing to it failed in the server itself.
  void abandon();
  /// Sends a close frame behind what is queued and ends the connection; the handler hears
  /// on_closed() once, within this call.
  void close(CloseCode code, std::string_view reason);

  /// Bytes that the socket has not taken yet.
  std::size_t unsent() const { return backlog_ ? backlog_->bytes : 0; }
  bool is_open() const { return state_ == State::kOpen; }
  /// Takes frames that were compressed for many (kSharedWindowBits).
  bool takes_shared_deflate() const { return deflate_bits_ >= kSharedWindowBits; }
  IoThread& thread() { return thread_; }
  const std::string& remote_address() const { return stream_.remote_address(); }

 private:
  enum class State { kOpen, kClosing, kClosed };
  struct Piece {
    std::shared_ptr<const std::string> kept;
    std::string_view view;
  };
  struct Backlog {
    std::deque<Piece> pieces;
    /// The last piece, while small copies can be put behind it; its memory does not move.
    std::shared_ptr<std::string> growing;
    std::size_t bytes = 0;
    /// The answer to the latest ping, which is all that is owed (RFC 6455 section 5.5.3).
    std::optional<std::string> pong;
    /// What it holds on to, in bytes: pieces cost something beside what stands in them.
    std::size_t cost() const;
    /// When the socket took some of it last.
    std::int64_t moved_ms = 0;
  };
  /// A message that is not complete yet: its payload so far and the frame it stands in.
  struct Partial {
    std::string raw;      // bytes of a frame whose header is incomplete
    std::string message;  // payload so far, all fragments
    bool in_message = false;
    bool compressed = false;
    Opcode opcode = Opcode::kText;
    bool in_frame = false;
    FrameHeader frame;
    std::uint64_t frame_read = 0;
    std::string control;
    base::Utf8Validator utf8;
  };

  void wait_readable();
  void on_readable();
  /// Consumes what it can; false when the connection has ended.
  bool consume(char* data, std::size_t size);
  bool consume_header(char*& data, std::size_t& size);
  bool consume_payload(char*& data, std::size_t& size);
  bool deliver_whole(FrameHeader& frame, char* payload);
  bool deliver_message(Opcode opcode, std::string_view message);
  bool deliver_compressed(Opcode opcode, std::string_view compressed);
  void begin_message(const FrameHeader& frame);
  bool append_payload(std::string_view piece);
  bool frame_allowed(const FrameHeader& frame);
  bool end_of_frame();
  bool on_control(Opcode opcode, std::string_view payload);
  bool on_peer_close(std::string_view payload);
  Partial& partial();
  bool fail(CloseCode code, std::string_view reason);

  void push_frame(Opcode opcode, std::string_view payload, Compressed compressed = Compressed::kNo);
  void push_chunk(const char* data, std::size_t size, const SharedBytes* owner);
  void to_backlog(const char* data, std::size_t size, const SharedBytes* owner);
  /// What is sent next; false when nothing is left.
  bool next_backlog();
  void write_backlog();
  void wait_writable();
  void end_handler(CloseCode code);
  void send_ping();
  void finish();
  void expired() override;

  IoThread& thread_;
  Stream stream_;
  const Options& options_;
  std::unique_ptr<WebSocketHandler> handler_;
  std::unique_ptr<Chunks> chunks_;
  std::unique_ptr<Backlog> backlog_;
  std::unique_ptr<Partial> partial_;
  std::int64_t last_heard_ms_ = 0;
  State state_ = State::kOpen;
  bool writing_ = false;
  bool ping_unanswered_ = false;
  /// Of the latest ping, which carries it.
  std::uint32_t ping_number_ = 0;
  const std::uint8_t deflate_bits_;
};

}  // namespace simpleim::net
