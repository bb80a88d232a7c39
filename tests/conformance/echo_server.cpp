/// A WebSocket server that sends every message back, on the connection class of the product: what
/// the Autobahn cases say of it holds for the chat server. Prints its port.

#include <csignal>
#include <iostream>

#include "base/worker_pool.h"
#include "net/listener.h"

namespace {

using namespace simpleim;

class Echo final : public net::WebSocketHandler {
 public:
  explicit Echo(std::shared_ptr<net::WebSocket> socket) : socket_(std::move(socket)) {}
  void on_text(std::string_view text) override { socket_->queue_frame(net::Opcode::kText, text); }
  void on_binary(std::string_view bytes) override { socket_->queue_frame(net::Opcode::kBinary, bytes); }
  void on_closed(net::CloseCode) override {}

 private:
  std::shared_ptr<net::WebSocket> socket_;
};

}  // namespace

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  base::WorkerPool workers({"worker", 1, 16, 0});
  net::Router router;
  router.errors([](int status, std::string_view text) {
    net::Response response;
    response.status = status;
    response.body = text;
    return response;
  });
  router.websocket("/", [](const net::Request&, const net::UpgradeReply& reply) {
    reply(net::Upgrade{"", [](net::IoThread&, const std::shared_ptr<net::WebSocket>& socket,
                              std::string_view received) { socket->start(std::make_unique<Echo>(socket), received); }});
  });
  net::HttpContext context;
  context.router = &router;
  context.workers = &workers;
  context.hashing = &workers;
  context.websocket.ping_ms = 30'000;
  context.websocket.silence_ms = 60'000;
  context.websocket.max_message = 64 << 20;
  context.websocket.max_unsent = 256 << 20;
  context.websocket.deflate = true;
  context.websocket.deflate_from = 0;  // kosoku cannot read the text of an answer that is not compressed
  net::IoThread thread(0);
  net::Listener listener({&thread}, "127.0.0.1:0", context, nullptr);
  listener.start();
  thread.start();
  std::cout << listener.port() << std::endl;
  std::cin.get();  // until whoever started it goes away
  return 0;
}
