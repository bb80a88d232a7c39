#pragma once

#include <openssl/types.h>
#include <sys/uio.h>

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "net/connection_places.h"
#include "net/io_thread.h"

namespace simpleim::net {

using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;

/// What a non-blocking read or write did.
struct IoCount {
  enum class State { kDone, kWouldBlock, kClosed };
  State state = State::kDone;
  std::size_t bytes = 0;
};

/// A connected, non-blocking byte stream: TCP, or TLS over it (the handshake happens inside the first
/// reads). One thread.
class Stream {
 public:
  /// `tls` may be null: plain TCP.
  Stream(Socket socket, SSL* tls);
  /// Holds the connection's place until the stream is destroyed.
  void occupy(ConnectionPlaces::Place place) { place_ = std::move(place); }
  ~Stream();
  Stream(Stream&&) noexcept;

  IoCount read(std::span<char> into);
  /// Writes the pieces in order, as many bytes as the socket takes.
  IoCount write(std::span<const iovec> pieces);
  /// True when the next read has to wait until the socket can be written (TLS only).
  bool read_wants_write() const { return read_wants_write_; }

  template <class F>
  void when_readable(F&& f) {
    if (read_wants_write_) socket_.async_wait(Socket::wait_write, std::forward<F>(f));
    else socket_.async_wait(Socket::wait_read, std::forward<F>(f));
  }
  template <class F>
  void when_writable(F&& f) {
    socket_.async_wait(Socket::wait_write, std::forward<F>(f));
  }

  /// Ends what waits with when_readable() or when_writable(): it is called with an error, soon, and lets go of what it
  /// holds.
  void stop_waiting();
  /// Sends what TLS and TCP need to end the stream, and closes it.
  void close();
  /// Tells the peer that nothing more comes, and goes on reading.
  void shutdown_send();
  bool is_tls() const { return tls_ != nullptr; }
  const std::string& remote_address() const { return remote_; }

 private:
  IoCount tls_result(int result, bool reading);

  Socket socket_;
  SSL* tls_;
  bool read_wants_write_ = false;
  std::string remote_;
  ConnectionPlaces::Place place_;
};

}  // namespace simpleim::net
