#pragma once

#include <memory>

#include "net/client_address.h"
#include "net/http.h"
#include "net/io_thread.h"
#include "net/stream.h"

namespace simpleim::base {
class WorkerPool;
}

namespace simpleim::net {

/// A request whose answer begins. Views hold for the call.
struct AnsweredRequest {
  std::string_view method;
  /// Without the query, which may carry tokens.
  std::string_view path;
  /// The pattern of its route; "": none.
  std::string_view route;
  std::string_view remote_address;
  int status;
  /// Microseconds since it had come: its head of an upload, else all of it.
  std::int64_t took_us;
};

/// What HTTP connections share. Filled before the start, then only read.
struct HttpContext {
  const Router* router = nullptr;
  base::WorkerPool* workers = nullptr;
  base::WorkerPool* hashing = nullptr;
  base::WorkerPool* files = nullptr;
  /// Where uploads end that take more than the disk: pictures.
  base::WorkerPool* slow_files = nullptr;
  /// Where the world sees the server: "/chat"; "": at the root.
  std::string mount;
  WebSocket::Options websocket;
  std::size_t max_body = 1 << 20;
  /// Of an upload.
  std::uint64_t max_upload = 1 << 30;
  std::size_t max_header = 16 << 10;
  std::int64_t header_timeout_ms = 10'000;
  std::int64_t idle_timeout_ms = 65'000;
  /// How long a client may wait for its turn to open a WebSocket; then 503.
  std::int64_t upgrade_timeout_ms = 30'000;
  /// Origins of web pages that may read answers, besides the server's own.
  std::vector<std::string> allowed_origins;
  TrustedProxies trusted_proxies;
  /// Null: as many as come.
  ConnectionPlaces* places = nullptr;
  /// Sent with every answer that does not bring a header of the same name.
  std::vector<std::pair<std::string, std::string>> headers;
  /// Told of every request, on its connection's I/O thread; may be null.
  std::function<void(const AnsweredRequest&)> answered;
};

/// Serves HTTP/1.1 on `stream` until it ends or becomes a WebSocket. Lives as long as it has
/// something to wait for. Call on `thread`.
void serve_http(IoThread& thread, Stream stream, const HttpContext& context);

}  // namespace simpleim::net
