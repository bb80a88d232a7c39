#include "net/websocket.h"

#include <array>
#include <chrono>
#include <cstring>
#include <utility>

namespace simpleim::net {
namespace {

/// Reads of one socket before others get their turn.
constexpr int kReadsInARow = 4;
/// How long a closed socket may take to accept its last bytes and the peer's close.
constexpr std::int64_t kLingerMs = 5000;
constexpr std::size_t kMaxPieces = 512;
/// Small copies stand together in blocks of this size in a backlog.
constexpr std::size_t kBacklogBlock = 4096;
/// What a piece of a backlog costs beside its bytes.
constexpr std::size_t kPieceCost = 64;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string ping_payload(std::uint32_t number) {
  std::string payload(sizeof number, '\0');
  std::memcpy(payload.data(), &number, sizeof number);
  return payload;
}

}  // namespace

std::size_t WebSocket::Backlog::cost() const { return bytes + pieces.size() * kPieceCost; }

WebSocket::WebSocket(IoThread& thread, Stream stream, const Options& options, int deflate_bits)
    : thread_(thread),
      stream_(std::move(stream)),
      options_(options),
      deflate_bits_(static_cast<std::uint8_t>(deflate_bits)) {
  thread_.count_socket(true);
}

WebSocket::~WebSocket() {
  if (state_ != State::kClosed) thread_.count_socket(false);
  if (chunks_) thread_.forget_dirty(*this);
}

void WebSocket::start(std::unique_ptr<WebSocketHandler> handler, std::string_view received) {
  handler_ = std::move(handler);
  last_heard_ms_ = steady_ms();
  thread_.timers().schedule(*this, options_.ping_ms);
  if (!received.empty()) {
    std::string copy(received);
    copy.resize(received.size() + IoThread::kReadPadding);
    if (!consume(copy.data(), received.size())) return;
    handler_->on_read_end();
    thread_.flush_dirty();
  }
  if (state_ != State::kClosed) wait_readable();
}

// ---------------------------------------------------------------- input

void WebSocket::wait_readable() {
  stream_.when_readable([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->state_ == State::kClosed) return;
    self->on_readable();
    self->thread_.flush_dirty();
  });
}

void WebSocket::on_readable() {
  const auto buffer = thread_.receive_buffer();
  for (int i = 0; i < kReadsInARow; ++i) {
    const auto got = stream_.read(buffer);
    if (got.state == IoCount::State::kWouldBlock) break;
    if (got.state == IoCount::State::kClosed) {
      state_ = State::kClosing;
      thread_.defer([self = shared_from_this()] { self->finish(); });
      return;
    }
    last_heard_ms_ = steady_ms();
    if (state_ == State::kOpen && !consume(buffer.data(), got.bytes)) break;
    if (handler_) handler_->on_read_end();
    // A TLS record can hold back bytes that no event would announce; plain sockets announce theirs.
    if (got.bytes < buffer.size() && !stream_.is_tls()) break;
  }
  if (state_ != State::kClosed) wait_readable();
}

bool WebSocket::fail(CloseCode code, std::string_view reason) {
  close(code, reason);
  return false;
}

WebSocket::Partial& WebSocket::partial() {
  if (!partial_) partial_ = std::make_unique<Partial>();
  return *partial_;
}

bool WebSocket::consume(char* data, std::size_t size) {
  while (size > 0) {
    if (partial_ && partial_->in_frame) {
      if (!consume_payload(data, size)) return false;
      continue;
    }
    if (partial_ && !partial_->raw.empty()) {
      if (!consume_header(data, size)) return false;
      continue;
    }
    const auto result = parse_frame_header({data, size}, deflate_bits_ != 0);
    if (result.state == HeaderResult::State::kError) return fail(CloseCode::kProtocolError, result.problem);
    if (result.state == HeaderResult::State::kNeedMore) {
      partial().raw.assign(data, size);
      return true;
    }
    auto frame = result.header;
    if (!frame_allowed(frame)) return false;
    data += frame.size;
    size -= frame.size;
    if (frame.payload_size <= size) {
      char* payload = data;
      data += frame.payload_size;
      size -= frame.payload_size;
      unmask(payload, frame.payload_size, frame.mask, 0);
      if (!deliver_whole(frame, payload)) return false;
      continue;
    }
    auto& p = partial();
    p.in_frame = true;
    p.frame = frame;
    p.frame_read = 0;
  }
  return state_ == State::kOpen;
}

/// A header that came in pieces: collects its bytes one by one.
bool WebSocket::consume_header(char*& data, std::size_t& size) {
  auto& p = *partial_;
  p.raw.push_back(*data++);
  --size;
  const auto result = parse_frame_header(p.raw, deflate_bits_ != 0);
  if (result.state == HeaderResult::State::kError) return fail(CloseCode::kProtocolError, result.problem);
  if (result.state == HeaderResult::State::kNeedMore) return true;
  if (!frame_allowed(result.header)) return false;
  p.raw.clear();
  p.in_frame = true;
  p.frame = result.header;
  p.frame_read = 0;
  return result.header.payload_size > 0 || end_of_frame();
}

/// Rules that span frames, and the size limit before a byte of the payload is kept.
bool WebSocket::frame_allowed(const FrameHeader& frame) {
  if (is_control(frame.opcode)) return true;
  const bool in_message = partial_ && partial_->in_message;
  if (frame.opcode == Opcode::kContinuation && !in_message)
    return fail(CloseCode::kProtocolError, "a continuation without a message");
  if (frame.opcode != Opcode::kContinuation && in_message)
    return fail(CloseCode::kProtocolError, "a new message inside a message");
  const auto have = in_message ? partial_->message.size() : 0;
  if (frame.payload_size > options_.max_message || have + frame.payload_size > options_.max_message)
    return fail(CloseCode::kTooBig, "a message may have at most " + std::to_string(options_.max_message) + " bytes");
  return true;
}

/// The quick path: the whole frame stands in the receive buffer.
bool WebSocket::deliver_whole(FrameHeader& frame, char* payload) {
  const std::string_view view(payload, frame.payload_size);
  if (is_control(frame.opcode)) return on_control(frame.opcode, view);
  if (frame.fin && frame.opcode != Opcode::kContinuation) {
    if (frame.compressed) return deliver_compressed(frame.opcode, view);
    if (frame.opcode == Opcode::kText && !base::is_utf8(view))
      return fail(CloseCode::kBadUtf8, "the text is not UTF-8");
    return deliver_message(frame.opcode, view);
  }
  auto& p = partial();
  p.frame = frame;
  p.in_frame = true;
  if (frame.opcode != Opcode::kContinuation) begin_message(frame);
  return append_payload(view) && end_of_frame();
}

bool WebSocket::deliver_message(Opcode opcode, std::string_view message) {
  if (opcode == Opcode::kText) handler_->on_text(message);
  else handler_->on_binary(message);
  return state_ == State::kOpen;
}

bool WebSocket::deliver_compressed(Opcode opcode, std::string_view compressed) {
  std::string message;
  const auto inflated = thread_.deflate().inflate(message, compressed, options_.max_message);
  if (inflated == MessageDeflate::Inflated::kTooBig)
    return fail(CloseCode::kTooBig, "a message may have at most " + std::to_string(options_.max_message) + " bytes");
  if (inflated == MessageDeflate::Inflated::kBroken)
    return fail(CloseCode::kBadUtf8, "the message is not what DEFLATE makes (RFC 7692)");
  const auto size = message.size();
  message.resize(size + IoThread::kReadPadding);
  const std::string_view view(message.data(), size);
  if (opcode == Opcode::kText && !base::is_utf8(view)) return fail(CloseCode::kBadUtf8, "the text is not UTF-8");
  return deliver_message(opcode, view);
}

void WebSocket::begin_message(const FrameHeader& frame) {
  auto& p = *partial_;
  p.in_message = true;
  p.opcode = frame.opcode;
  p.compressed = frame.compressed;
}

/// Text is checked as it comes, so that a wrong byte ends the connection at once (RFC 6455 section 8.1).
bool WebSocket::append_payload(std::string_view piece) {
  auto& p = *partial_;
  p.message.append(piece);
  if (p.opcode == Opcode::kText && !p.compressed && !p.utf8.feed(piece))
    return fail(CloseCode::kBadUtf8, "the text is not UTF-8");
  return true;
}

/// A frame that comes in several reads.
bool WebSocket::consume_payload(char*& data, std::size_t& size) {
  auto& p = *partial_;
  const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(size, p.frame.payload_size - p.frame_read));
  unmask(data, piece, p.frame.mask, p.frame_read & 3);
  const std::string_view view(data, piece);
  data += piece;
  size -= piece;
  p.frame_read += piece;
  if (is_control(p.frame.opcode)) {
    p.control.append(view);
  } else {
    if (p.frame.opcode != Opcode::kContinuation && !p.in_message) begin_message(p.frame);
    if (!append_payload(view)) return false;
  }
  return p.frame_read < p.frame.payload_size || end_of_frame();
}

bool WebSocket::end_of_frame() {
  auto& p = *partial_;
  p.in_frame = false;
  if (is_control(p.frame.opcode)) {
    const auto payload = std::move(p.control);
    p.control.clear();
    const auto opcode = p.frame.opcode;
    if (!p.in_message) partial_.reset();
    return on_control(opcode, payload);
  }
  if (!p.in_message) begin_message(p.frame);  // an empty first frame whose header came in pieces
  if (!p.frame.fin) return true;
  if (p.opcode == Opcode::kText && !p.utf8.complete())
    return fail(CloseCode::kBadUtf8, "the text ends inside a character");
  auto message = std::move(p.message);
  const auto opcode = p.opcode;
  const bool compressed = p.compressed;
  partial_.reset();
  if (compressed) return deliver_compressed(opcode, message);
  const auto size = message.size();
  message.resize(size + IoThread::kReadPadding);
  return deliver_message(opcode, {message.data(), size});
}

bool WebSocket::on_control(Opcode opcode, std::string_view payload) {
  if (opcode == Opcode::kClose) return on_peer_close(payload);
  if (opcode == Opcode::kPing) {
    // Whoever takes no answers gets the latest one when he does; the others would only fill the backlog.
    if (backlog_) backlog_->pong = payload;
    else queue_frame(Opcode::kPong, payload);
  }
  if (opcode == Opcode::kPong && ping_unanswered_ && payload == ping_payload(ping_number_)) {
    ping_unanswered_ = false;
    handler_->on_pong();
  }
  return state_ == State::kOpen;
}

bool WebSocket::on_peer_close(std::string_view payload) {
  if (payload.empty()) return fail(CloseCode::kNormal, "");
  if (payload.size() == 1) return fail(CloseCode::kProtocolError, "a close code has two bytes");
  const auto code =
      static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]));
  if (!is_valid_close_code(code)) return fail(CloseCode::kProtocolError, "the close code is not allowed");
  if (!base::is_utf8(payload.substr(2))) return fail(CloseCode::kBadUtf8, "the close reason is not UTF-8");
  return fail(static_cast<CloseCode>(code), "");
}

// ---------------------------------------------------------------- output

void WebSocket::push_chunk(const char* data, std::size_t size, const SharedBytes* owner) {
  if (size == 0) return;
  if (backlog_) {
    to_backlog(data, size, owner);
    return;
  }
  if (!chunks_) {
    chunks_ = thread_.take_chunks();
    thread_.mark_dirty(*this);
  }
  auto& chunks = *chunks_;
  if (!chunks.empty() && chunks.back().owner == owner && chunks.back().data + chunks.back().size == data)
    chunks.back().size += size;
  else chunks.push_back({data, size, owner});
}

void WebSocket::queue(const SharedBytes& bytes) { queue(bytes, bytes.view()); }

void WebSocket::queue(const SharedBytes& owner, std::string_view part) {
  if (state_ == State::kOpen) push_chunk(part.data(), part.size(), &owner);
}

void WebSocket::queue_text(std::string_view text) { queue_frame(Opcode::kText, text); }

void WebSocket::queue_frame(Opcode opcode, std::string_view payload) {
  if (state_ != State::kOpen) return;
  std::string compressed;
  const bool is_tried = deflate_bits_ != 0 && payload.size() >= options_.deflate_from && !is_control(opcode);
  if (is_tried && (thread_.deflate().deflate(compressed, payload, deflate_bits_) || options_.deflate_from == 0))
    push_frame(opcode, compressed, Compressed::kYes);
  else push_frame(opcode, payload);
}

void WebSocket::push_frame(Opcode opcode, std::string_view payload, Compressed compressed) {
  char* frame = thread_.scratch(kMaxServerHeader + payload.size());
  const auto header = write_frame_header(frame, opcode, payload.size(), compressed);
  std::memcpy(frame + header, payload.data(), payload.size());
  push_chunk(frame, header + payload.size(), nullptr);
}

void WebSocket::to_backlog(const char* data, std::size_t size, const SharedBytes* owner) {
  if (!backlog_) {
    backlog_ = std::make_unique<Backlog>();
    backlog_->moved_ms = steady_ms();
  }
  auto& backlog = *backlog_;
  if (owner != nullptr) {
    auto kept = owner->keep();
    const auto view = std::string_view(*kept).substr(static_cast<std::size_t>(data - owner->view().data()), size);
    backlog.pieces.push_back({std::move(kept), view});
    backlog.growing.reset();
  } else if (backlog.growing && !backlog.pieces.empty() && backlog.growing->size() + size <= kBacklogBlock) {
    backlog.growing->append(data, size);
    auto& view = backlog.pieces.back().view;
    view = {view.data(), view.size() + size};
  } else {
    backlog.growing = std::make_shared<std::string>();
    backlog.growing->reserve(std::max(size, kBacklogBlock));
    backlog.growing->append(data, size);
    backlog.pieces.push_back({backlog.growing, *backlog.growing});
  }
  backlog.bytes += size;
  if (options_.max_unsent != 0 && backlog.cost() > options_.max_unsent && state_ == State::kOpen)
    close(CloseCode::kSlowConsumer, "slow consumer: reconnect and sync");
}

void WebSocket::flush() {
  if (!chunks_) return;
  const auto keep_alive = shared_from_this();
  auto chunks = std::move(chunks_);
  std::size_t next = 0;
  std::size_t skip = 0;
  bool blocked = backlog_ != nullptr;
  while (!blocked && next < chunks->size()) {
    std::array<iovec, kMaxPieces> pieces;
    std::size_t count = 0;
    std::size_t wanted = 0;
    for (auto i = next; i < chunks->size() && count < pieces.size(); ++i, ++count) {
      const auto from = i == next ? skip : 0;
      pieces[count] = {const_cast<char*>((*chunks)[i].data + from), (*chunks)[i].size - from};
      wanted += pieces[count].iov_len;
    }
    const auto sent = stream_.write({pieces.data(), count});
    if (sent.state == IoCount::State::kClosed) break;
    blocked = sent.bytes < wanted;
    for (auto left = sent.bytes; left > 0;) {
      const auto n = std::min(left, (*chunks)[next].size - skip);
      left -= n;
      skip += n;
      if (skip == (*chunks)[next].size) ++next, skip = 0;
    }
  }
  if (blocked) {
    for (; next < chunks->size(); ++next, skip = 0)
      to_backlog((*chunks)[next].data + skip, (*chunks)[next].size - skip, (*chunks)[next].owner);
    wait_writable();
  }
  thread_.give_back(std::move(chunks));
}

void WebSocket::wait_writable() {
  if (writing_ || state_ == State::kClosed) return;
  writing_ = true;
  stream_.when_writable([self = shared_from_this()](const boost::system::error_code& error) {
    self->writing_ = false;
    if (error || self->state_ == State::kClosed) return;
    self->write_backlog();
    self->thread_.flush_dirty();
  });
}

bool WebSocket::next_backlog() {
  if (!backlog_) return false;
  if (backlog_->pieces.empty() && backlog_->pong && state_ == State::kOpen) {
    char frame[kMaxServerHeader + 125];
    const auto payload = std::exchange(backlog_->pong, std::nullopt).value();
    const auto header = write_frame_header(frame, Opcode::kPong, payload.size());
    std::memcpy(frame + header, payload.data(), payload.size());
    to_backlog(frame, header + payload.size(), nullptr);
  }
  return !backlog_->pieces.empty();
}

void WebSocket::write_backlog() {
  while (next_backlog()) {
    std::array<iovec, kMaxPieces> pieces;
    std::size_t count = 0;
    for (auto i = backlog_->pieces.begin(); i != backlog_->pieces.end() && count < pieces.size(); ++i, ++count)
      pieces[count] = {const_cast<char*>(i->view.data()), i->view.size()};
    const auto sent = stream_.write({pieces.data(), count});
    if (sent.state == IoCount::State::kWouldBlock) return wait_writable();
    if (sent.state == IoCount::State::kClosed) return;  // the read side reports the end
    backlog_->bytes -= sent.bytes;
    if (sent.bytes > 0) backlog_->moved_ms = steady_ms();
    for (auto left = sent.bytes; left > 0;) {
      auto& view = backlog_->pieces.front().view;
      const auto n = std::min(left, view.size());
      view.remove_prefix(n);
      left -= n;
      if (!view.empty()) continue;
      backlog_->pieces.pop_front();
      if (backlog_->pieces.empty()) backlog_->growing.reset();
    }
  }
  backlog_.reset();
  if (state_ == State::kClosing) stream_.shutdown_send();
  else if (handler_) handler_->on_drained();
}

// ---------------------------------------------------------------- end

void WebSocket::close(CloseCode code, std::string_view reason) {
  if (state_ != State::kOpen) return;
  std::string payload;
  payload += static_cast<char>(static_cast<int>(code) >> 8);
  payload += static_cast<char>(static_cast<int>(code) & 0xff);
  payload += reason.substr(0, 123);
  if (backlog_ && code == CloseCode::kSlowConsumer) {
    // What waits would only keep memory busy: the peer syncs after it comes back. The piece whose
    // first bytes are out already must be finished, or the close frame would stand inside it.
    while (backlog_->pieces.size() > 1) {
      backlog_->bytes -= backlog_->pieces.back().view.size();
      backlog_->pieces.pop_back();
    }
    backlog_->growing.reset();
    backlog_->pong.reset();
  }
  state_ = State::kClosing;
  push_frame(Opcode::kClose, payload);
  partial_.reset();
  thread_.timers().schedule(*this, kLingerMs);
  end_handler(code);
  // The peer's own close, or its end of stream, ends the connection; the timer does it otherwise.
  const auto self = shared_from_this();
  thread_.post([self] {
    if (self->state_ == State::kClosing && !self->backlog_) self->stream_.shutdown_send();
  });
}

/// The handler may be the caller: it is told now and destroyed when its stack is gone, and after
/// whatever it posts when told.
void WebSocket::end_handler(CloseCode code) {
  auto handler = std::move(handler_);
  if (!handler) return;
  handler->on_closed(code);
  thread_.post([ended = std::move(handler)] {});
}

void WebSocket::finish() {
  if (state_ == State::kClosed) return;
  end_handler(CloseCode::kGoingAway);
  state_ = State::kClosed;
  thread_.count_socket(false);
  thread_.timers().cancel(*this);
  backlog_.reset();
  stream_.close();
}

void WebSocket::abandon() {
  chunks_.reset();
  if (state_ == State::kClosed) return;
  state_ = State::kClosing;
  thread_.defer([self = shared_from_this()] { self->finish(); });
}

void WebSocket::send_ping() {
  handler_->on_ping();
  if (state_ != State::kOpen) return;
  queue_frame(Opcode::kPing, ping_payload(++ping_number_));
  ping_unanswered_ = true;
}

void WebSocket::expired() {
  const auto keep_alive = shared_from_this();
  if (state_ != State::kOpen) return finish();
  const auto now = steady_ms();
  const auto silent = now - last_heard_ms_;
  // First of all, so that whatever fails below leaves no connection without a timer.
  thread_.timers().schedule(*this, std::max<std::int64_t>(1, std::min(options_.ping_ms, options_.silence_ms - silent)));
  if (silent >= options_.silence_ms)
    return close(options_.silence_code, "no sign of life for " + std::to_string(silent / 1000) + " s");
  if (backlog_ && now - backlog_->moved_ms >= options_.silence_ms)
    return close(CloseCode::kSlowConsumer, "slow consumer: reconnect and sync");
  send_ping();
}

}  // namespace simpleim::net
