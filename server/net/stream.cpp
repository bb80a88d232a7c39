#include "net/stream.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace simpleim::net {
namespace {

/// Small pieces share a TLS record of at most this size.
constexpr std::size_t kTlsRecord = 16 << 10;

IoCount from_errno() {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {IoCount::State::kWouldBlock, 0};
  return {IoCount::State::kClosed, 0};
}

}  // namespace

Stream::Stream(Socket socket, SSL* tls) : socket_(std::move(socket)), tls_(tls) {
  boost::system::error_code ignored;  // a peer that is gone already shows in the first read
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  remote_ = socket_.remote_endpoint(ignored).address().to_string();
  if (tls_ != nullptr) {
    SSL_set_fd(tls_, socket_.native_handle());
    SSL_set_accept_state(tls_);
  }
}

Stream::Stream(Stream&& other) noexcept
    : socket_(std::move(other.socket_)),
      tls_(std::exchange(other.tls_, nullptr)),
      read_wants_write_(other.read_wants_write_),
      remote_(std::move(other.remote_)),
      place_(std::move(other.place_)) {}

Stream::~Stream() { SSL_free(tls_); }

IoCount Stream::tls_result(int result, bool reading) {
  if (result > 0) return {IoCount::State::kDone, static_cast<std::size_t>(result)};
  const int error = SSL_get_error(tls_, result);
  ERR_clear_error();
  if (reading) read_wants_write_ = error == SSL_ERROR_WANT_WRITE;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return {IoCount::State::kWouldBlock, 0};
  return {IoCount::State::kClosed, 0};
}

IoCount Stream::read(std::span<char> into) {
  if (tls_ != nullptr) {
    read_wants_write_ = false;
    return tls_result(SSL_read(tls_, into.data(), static_cast<int>(into.size())), true);
  }
  const auto got = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
  if (got > 0) return {IoCount::State::kDone, static_cast<std::size_t>(got)};
  if (got == 0) return {IoCount::State::kClosed, 0};
  return from_errno();
}

IoCount Stream::write(std::span<const iovec> pieces) {
  if (tls_ == nullptr) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    if (sent >= 0) return {IoCount::State::kDone, static_cast<std::size_t>(sent)};
    return from_errno();
  }
  std::array<char, kTlsRecord> record;
  std::size_t total = 0;
  std::size_t piece = 0;
  std::size_t offset = 0;
  while (piece < pieces.size()) {
    std::size_t filled = 0;
    auto p = piece;
    auto o = offset;
    while (p < pieces.size() && filled < record.size()) {
      const auto n = std::min(pieces[p].iov_len - o, record.size() - filled);
      std::memcpy(record.data() + filled, static_cast<const char*>(pieces[p].iov_base) + o, n);
      filled += n;
      o += n;
      if (o == pieces[p].iov_len) ++p, o = 0;
    }
    if (filled == 0) break;
    const auto sent = tls_result(SSL_write(tls_, record.data(), static_cast<int>(filled)), false);
    if (sent.state != IoCount::State::kDone) return total > 0 ? IoCount{IoCount::State::kDone, total} : sent;
    total += sent.bytes;
    for (auto left = sent.bytes; left > 0;) {
      const auto n = std::min(left, pieces[piece].iov_len - offset);
      left -= n;
      offset += n;
      if (offset == pieces[piece].iov_len) ++piece, offset = 0;
    }
  }
  return {IoCount::State::kDone, total};
}

void Stream::shutdown_send() {
  if (tls_ != nullptr && SSL_is_init_finished(tls_)) SSL_shutdown(tls_);
  ERR_clear_error();
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::stop_waiting() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace simpleim::net
