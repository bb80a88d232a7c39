#include "net/listener.h"

#include <sys/socket.h>

#include <charconv>

#include "base/log.h"

namespace simpleim::net {

namespace tcp_ns = asio::ip;
using AcceptorSocket = asio::basic_socket_acceptor<tcp_ns::tcp, asio::io_context::executor_type>;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

asio::ip::tcp::endpoint parse_endpoint(const std::string& address) {
  const auto wrong = [&](const char* why) {
    return std::runtime_error("\"" + address + "\" is not host:port: " + why);
  };
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) throw wrong("the port is missing");
  auto host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  unsigned short port = 0;
  const auto* end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) throw wrong("the port is not a number from 0 to 65535");
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(host, error);
  if (error) throw wrong("the host must be an IP address");
  return {ip, port};
}

/// SO_REUSEPORT would let a second server of the same user share the port in silence. A socket
/// without it cannot be bound while another server is there.
static void refuse_taken_port(const tcp_ns::tcp::endpoint& endpoint, const std::string& address) {
  asio::io_context context;
  AcceptorSocket probe(context);
  boost::system::error_code error;
  probe.open(endpoint.protocol(), error);
  if (!error) probe.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) probe.bind(endpoint, error);
  if (error) throw std::runtime_error("cannot listen on " + address + ": " + error.message());
}

class Listener::Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(IoThread& thread, const tcp_ns::tcp::endpoint& endpoint, const HttpContext& context, const TlsContext* tls)
      : thread_(thread), socket_(thread.context()), retry_(thread.context()), context_(context), tls_(tls) {
    socket_.open(endpoint.protocol());
    socket_.set_option(asio::socket_base::reuse_address(true));
    socket_.set_option(ReusePort(true));
    socket_.bind(endpoint);
    socket_.listen(kBacklog);
    socket_.non_blocking(true);
  }

  unsigned short port() const { return socket_.local_endpoint().port(); }

  /// Takes all who wait (up to a bound) at each wake-up: one at a time, the queue of the kernel would
  /// overflow while the thread is busy with those who are in.
  void accept() {
    socket_.async_wait(AcceptorSocket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->socket_.is_open()) return;
      for (int i = 0; i < kAcceptsInARow; ++i) {
        boost::system::error_code failed;
        Socket socket(self->thread_.context());
        self->socket_.accept(socket, failed);
        if (failed == asio::error::would_block || failed == asio::error::connection_aborted) break;
        if (failed) return self->pause(failed);
        self->serve(std::move(socket));
      }
      self->accept();
    });
  }

  void stop() {
    thread_.post([self = shared_from_this()] {
      boost::system::error_code ignored;
      self->socket_.close(ignored);
      self->retry_.cancel();
    });
  }

 private:
  void serve(Socket socket) {
    boost::system::error_code ignored;
    const auto address = socket.remote_endpoint(ignored).address();
    ConnectionPlaces::Place place;
    if (context_.places != nullptr) {
      const auto text = address.to_string();
      place = context_.places->take(text, address.is_loopback() || context_.trusted_proxies.is_trusted(text));
      if (!place) return refuse(socket);
    }
    Stream stream(std::move(socket), tls_ != nullptr ? tls_->new_session() : nullptr);
    stream.occupy(std::move(place));
    serve_http(thread_, std::move(stream), context_);
  }

  /// In words where the client can read them; whoever speaks TLS sees the connection end.
  void refuse(Socket& socket) {
    constexpr std::string_view kFull =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Connection: close\r\nContent-Length: 100\r\n\r\n"
        R"({"code":50301,"error":"too many connections; try later","message":"too many connections; try later"})";
    if (tls_ == nullptr) (void)::send(socket.native_handle(), kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  /// Out of descriptors or memory: trying again at once would only burn the processor.
  void pause(const boost::system::error_code& error) {
    base::log::warn("cannot accept a connection; trying again in 100 ms", {{"why", error.message()}});
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      if (!cancelled && self->socket_.is_open()) self->accept();
    });
  }

  static constexpr int kBacklog = 4096;
  static constexpr int kAcceptsInARow = 256;

  IoThread& thread_;
  AcceptorSocket socket_;
  asio::steady_timer retry_;
  const HttpContext& context_;
  const TlsContext* tls_;
};

Listener::Listener(const std::vector<IoThread*>& threads, const std::string& address, const HttpContext& context,
                   const TlsContext* tls) {
  auto endpoint = parse_endpoint(address);
  refuse_taken_port(endpoint, address);
  for (auto* thread : threads) {
    try {
      acceptors_.push_back(std::make_shared<Acceptor>(*thread, endpoint, context, tls));
    } catch (const boost::system::system_error& e) {
      throw std::runtime_error("cannot listen on " + address + ": " + e.code().message());
    }
    endpoint.port(acceptors_.back()->port());
  }
  port_ = endpoint.port();
}

Listener::~Listener() = default;

void Listener::start() {
  for (auto& acceptor : acceptors_) acceptor->accept();
}

void Listener::stop() {
  for (auto& acceptor : acceptors_) acceptor->stop();
}

}  // namespace simpleim::net
