#include "net/responder.h"

#include <algorithm>

#include "base/worker_pool.h"
#include "net/response_head.h"

namespace simpleim::net {

void Responder::answer(const Response& response, const Manner& manner) {
  auto text = response_head(response, {context_.headers, manner.cors_origin, manner.keep_alive, stream_.is_tls()});
  if (!manner.head_only) text += response.body;
  source_ = manner.head_only ? nullptr : response.source;
  source_left_ = source_ ? response.source_bytes : 0;
  answering_ = true;
  write(text);
  if (!ended_ && outbox_.empty()) went_out();
}

void Responder::write(std::string_view text) {
  if (outbox_.empty()) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    const auto sent = stream_.write({&piece, 1});
    if (sent.state == IoCount::State::kClosed) return owner_.lost();
    text.remove_prefix(sent.bytes);
  }
  if (text.empty()) return;
  const bool waiting = !outbox_.empty();
  outbox_ += text;
  if (!waiting) wait_writable();
}

/// All that was to be written so far has been.
void Responder::went_out() {
  if (!answering_) return;
  if (source_left_ > 0) return read_source();
  source_.reset();
  answering_ = false;
  owner_.answered();
}

void Responder::read_source() {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(source_left_, kPiece));
  auto task = [this, owner = owner_.hold(), source = source_, wanted] {
    std::string piece(wanted, '\0');
    piece.resize(source->read(piece));
    thread_.post([this, owner, wanted, piece = std::move(piece)] { send_piece(piece, wanted); });
  };
  if (!context_.files->submit(std::move(task))) owner_.lost();
}

void Responder::send_piece(std::string_view piece, std::size_t wanted) {
  if (ended_) return;
  if (piece.size() < wanted) return owner_.lost();
  source_left_ -= wanted;
  write(piece);
  if (!ended_ && outbox_.empty()) went_out();
  if (!ended_) owner_.advance();
}

void Responder::wait_writable() {
  thread_.timers().schedule(timer_, context_.idle_timeout_ms);
  stream_.when_writable([this, owner = owner_.hold()](const boost::system::error_code& error) {
    if (!error && !ended_) send_rest();
  });
}

void Responder::send_rest() {
  const iovec piece{outbox_.data(), outbox_.size()};
  const auto sent = stream_.write({&piece, 1});
  if (sent.state == IoCount::State::kClosed) return owner_.lost();
  outbox_.erase(0, sent.bytes);
  if (!outbox_.empty()) return wait_writable();
  went_out();
  if (!ended_) owner_.advance();
}

void Responder::ended() {
  ended_ = true;
  source_.reset();
}

}  // namespace simpleim::net
