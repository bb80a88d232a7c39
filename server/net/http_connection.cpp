#include "net/http_connection.h"

#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>

#include <openssl/sha.h>

#include "base/log.h"
#include "base/worker_pool.h"

namespace simpleim::net {
namespace {

namespace http = boost::beast::http;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

const char* reason_of(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 408:
      return "Request Timeout";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 507:
      return "Insufficient Storage";
    default:
      return nullptr;
  }
}

std::string status_line(int status) {
  const auto* reason = reason_of(status);
  const auto text =
      reason != nullptr ? std::string(reason) : std::string(http::obsolete_reason(static_cast<http::status>(status)));
  return "HTTP/1.1 " + std::to_string(status) + " " + text + "\r\n";
}

/// RFC 6455 section 4.2.2.
std::string accept_key(std::string_view key) {
  const auto text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string out(boost::beast::detail::base64::encoded_size(digest.size()), '\0');
  out.resize(boost::beast::detail::base64::encode(out.data(), digest.data(), digest.size()));
  return out;
}

bool has_token(std::string_view list, std::string_view token) {
  const auto text = lower(list);
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(','), rest.size());
    auto item = rest.substr(0, end);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (item == token) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

/// A key is 16 bytes in base64: 24 characters that end in "==".
bool is_websocket_key(std::string_view key) { return key.size() == 24 && key.ends_with("=="); }

class HttpConnection final : public std::enable_shared_from_this<HttpConnection>, public Timer {
 public:
  HttpConnection(IoThread& thread, Stream stream, const HttpContext& context)
      : thread_(thread), stream_(std::move(stream)), context_(context) {}

  void start() {
    self_ = shared_from_this();
    begin_request();
    wait_readable();
  }

 private:
  void begin_request() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(context_.max_header));
    parser_->body_limit(context_.max_body);
    parser_->eager(true);
    started_ = false;
    thread_.timers().schedule(*this, context_.idle_timeout_ms);
  }

  void wait_readable() {
    if (waiting_) return;
    waiting_ = true;
    stream_.when_readable([self = shared_from_this()](const boost::system::error_code& error) {
      self->waiting_ = false;
      if (!error && self->self_ && !self->busy_) self->on_readable();
    });
  }

  void on_readable() {
    const auto buffer = thread_.receive_buffer();
    const auto got = stream_.read(buffer);
    if (got.state == IoCount::State::kClosed) return finish();
    if (got.state == IoCount::State::kDone) {
      inbox_.append(buffer.data(), got.bytes);
      parse();
      if (busy_ || discarding_ || !self_) return;
    }
    wait_readable();
  }

  /// Feeds the parser with what has come, and handles a request that is complete.
  void parse() {
    while (!inbox_.empty() && !parser_->is_done()) {
      if (!started_) {
        started_ = true;  // the whole request must come within the time from its first byte
        thread_.timers().schedule(*this, context_.header_timeout_ms);
      }
      boost::system::error_code error;
      const auto used = parser_->put(boost::asio::buffer(inbox_), error);
      inbox_.erase(0, used);
      if (error == http::error::need_more) return;
      if (error == http::error::header_limit) return refuse(431, "the request header is too large");
      if (error == http::error::body_limit)
        return refuse(413, "the request body may have at most " + std::to_string(context_.max_body) + " bytes");
      if (error) return refuse(400, "the request is not valid HTTP/1.1");
      if (parser_->is_header_done() && !header_allowed()) return;
    }
    if (parser_->is_done()) handle();
  }

  bool header_allowed() {
    const auto& message = parser_->get();
    if (message.count(http::field::content_encoding) > 0 && message[http::field::content_encoding] != "identity")
      return refuse(415, "a request body must come without Content-Encoding"), false;
    if (message.count(http::field::content_length) + message.count(http::field::transfer_encoding) > 1)
      return refuse(400, "a request has one Content-Length or one Transfer-Encoding, not both"), false;
    if (message.count(http::field::host) != 1 && message.version() == 11)
      return refuse(400, "a request has exactly one Host header"), false;
    if (!continued_ && message[http::field::expect] == "100-continue") {
      continued_ = true;
      write("HTTP/1.1 100 Continue\r\n\r\n");
    }
    return self_ != nullptr;
  }

  std::optional<Request> take_request() {
    auto message = parser_->release();
    Request request;
    request.method = std::string(message.method_string());
    keep_alive_ = message.keep_alive();
    const auto target = message.target();
    if (!parse_target({target.data(), target.size()}, request)) return std::nullopt;
    for (const auto& field : message) {
      auto& value = request.headers[lower({field.name_string().data(), field.name_string().size()})];
      if (!value.empty()) value += ", ";
      value.append(field.value().data(), field.value().size());
    }
    request.body = std::move(message.body());
    request.remote_address = stream_.remote_address();
    request.tls = stream_.is_tls();
    return request;
  }

  void handle() {
    busy_ = true;
    thread_.timers().cancel(*this);
    auto request = take_request();
    if (!request) {
      keep_alive_ = false;
      return answer(context_.router->error(400, "the request target is malformed"));
    }
    head_only_ = request->method == "HEAD";
    const auto& origins = context_.allowed_origins;
    const auto origin = request->header("origin");
    cors_origin_ = std::find(origins.begin(), origins.end(), origin) != origins.end() ? std::string(origin) : "";
    if (request->method == "OPTIONS" && !cors_origin_.empty()) return answer_preflight();
    if (const auto* upgrade = context_.router->find_upgrade(*request)) return handle_upgrade(*request, *upgrade);
    const auto match = context_.router->find(*request);
    if (match.route == nullptr && !match.allow.empty()) {
      auto response = context_.router->error(405, "this path takes " + match.allow);
      response.headers.emplace_back("Allow", match.allow);
      return answer(response);
    }
    if (match.route == nullptr) return answer(context_.router->error(404, "not found"));
    run(*match.route, std::move(*request));
  }

  void answer_preflight() {
    Response response;
    response.status = 204;
    response.headers = {{"Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE"},
                        {"Access-Control-Allow-Headers", "authorization, content-type"},
                        {"Access-Control-Max-Age", "600"}};
    answer(response);
  }

  void run(const Route& route, Request request) {
    if (route.lane == Lane::kInline) return answer(route.handler(request));
    auto* pool = route.lane == Lane::kHashing ? context_.hashing : context_.workers;
    auto task = [self = shared_from_this(), &route, request = std::move(request)] {
      auto response = self->call(route, request);
      self->thread_.post([self, response = std::move(response)] { self->answer(response); });
    };
    if (!pool->submit(std::move(task))) {
      auto busy = context_.router->error(503, "the server is busy; try again");
      busy.headers.emplace_back("Retry-After", "1");
      answer(busy);
    }
  }

  Response call(const Route& route, const Request& request) const {
    try {
      return route.handler(request);
    } catch (const std::exception& e) {
      base::log::error("a request handler threw",
                       {{"method", request.method}, {"route", route.pattern}, {"what", e.what()}});
      return context_.router->error(500, "internal error");
    }
  }

  void handle_upgrade(const Request& request, const UpgradeHandler& handler) {
    if (request.method != "GET") {
      auto response = context_.router->error(405, "this path takes GET");
      response.headers.emplace_back("Allow", "GET");
      return answer(response);
    }
    const auto key = request.header("sec-websocket-key");
    if (!has_token(request.header("upgrade"), "websocket") || !has_token(request.header("connection"), "upgrade") ||
        request.header("sec-websocket-version") != "13" || !is_websocket_key(key)) {
      auto response = context_.router->error(426, "this path takes a WebSocket upgrade, version 13");
      response.headers.emplace_back("Upgrade", "websocket");
      response.headers.emplace_back("Sec-WebSocket-Version", "13");
      return answer(response);
    }
    handler(request, [self = shared_from_this(), key = std::string(key)](std::variant<Response, Upgrade> reply) {
      self->thread_.post([self, key, reply = std::move(reply)]() mutable {
        if (!self->self_) return;
        if (auto* response = std::get_if<Response>(&reply)) return self->answer(*response);
        self->upgrade(key, std::get<Upgrade>(reply));
      });
    });
  }

  void upgrade(const std::string& key, const Upgrade& upgrade) {
    std::string head = status_line(101) +
                       "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept_key(key) + "\r\n";
    if (!upgrade.subprotocol.empty()) head += "Sec-WebSocket-Protocol: " + upgrade.subprotocol + "\r\n";
    head += "\r\n";
    write(head);
    if (!self_) return;
    // A socket that is just open takes 200 bytes at once; one that does not is as good as closed.
    if (!outbox_.empty()) return finish();
    auto socket = std::make_shared<WebSocket>(thread_, std::move(stream_), context_.websocket);
    self_.reset();
    thread_.timers().cancel(*this);
    upgrade.opened(thread_, socket, inbox_);
    thread_.flush_dirty();
  }

  void answer(const Response& response) {
    if (!self_) return;
    std::string text = status_line(response.status);
    if (!response.body.empty() || (response.status != 204 && response.status != 304)) {
      text += "Content-Type: " + response.content_type + "\r\n";
      text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    }
    const auto& own = response.headers;
    for (const auto& [name, value] : context_.headers)
      if (std::none_of(own.begin(), own.end(), [&](const auto& header) { return header.first == name; }))
        text += name + ": " + value + "\r\n";
    for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
    if (!cors_origin_.empty()) text += "Access-Control-Allow-Origin: " + cors_origin_ + "\r\nVary: Origin\r\n";
    if (stream_.is_tls()) text += "Strict-Transport-Security: max-age=63072000\r\n";
    text += keep_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    if (!head_only_) text += response.body;
    busy_ = false;
    continued_ = false;
    write(text);
    if (self_ && outbox_.empty()) after_answer();
  }

  void after_answer() {
    if (!keep_alive_) {
      stream_.shutdown_send();
      thread_.timers().schedule(*this, kLingerMs);
      discarding_ = true;
      return drain();
    }
    begin_request();
    parse();
    if (self_ && !busy_) wait_readable();
  }

  void refuse(int status, std::string_view text) {
    busy_ = true;
    keep_alive_ = false;
    head_only_ = false;
    inbox_.clear();
    answer(context_.router->error(status, text));
  }

  /// Reads and forgets until the peer is done, so that our last answer is not lost in a reset.
  void drain() {
    stream_.when_readable([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->self_) return;
      const auto got = self->stream_.read(self->thread_.receive_buffer());
      if (got.state == IoCount::State::kClosed) return self->finish();
      self->drain();
    });
  }

  void write(std::string_view text) {
    if (outbox_.empty()) {
      const iovec piece{const_cast<char*>(text.data()), text.size()};
      const auto sent = stream_.write({&piece, 1});
      if (sent.state == IoCount::State::kClosed) return finish();
      text.remove_prefix(sent.bytes);
    }
    if (text.empty()) return;
    const bool waiting = !outbox_.empty();
    outbox_ += text;
    if (!waiting) wait_writable();
  }

  void wait_writable() {
    thread_.timers().schedule(*this, context_.idle_timeout_ms);
    stream_.when_writable([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->self_) return;
      const iovec piece{self->outbox_.data(), self->outbox_.size()};
      const auto sent = self->stream_.write({&piece, 1});
      if (sent.state == IoCount::State::kClosed) return self->finish();
      self->outbox_.erase(0, sent.bytes);
      if (!self->outbox_.empty()) return self->wait_writable();
      if (!self->busy_) self->after_answer();
    });
  }

  void finish() {
    thread_.timers().cancel(*this);
    stream_.close();
    self_.reset();
  }

  void expired() override {
    const auto keep_alive = shared_from_this();
    if (started_ && !busy_ && !discarding_ && outbox_.empty()) {
      started_ = false;
      return refuse(408, "the request did not come in time");
    }
    finish();
  }

  static constexpr std::int64_t kLingerMs = 2000;

  IoThread& thread_;
  Stream stream_;
  const HttpContext& context_;
  std::shared_ptr<HttpConnection> self_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string inbox_;
  std::string outbox_;
  std::string cors_origin_;
  bool busy_ = false;
  bool waiting_ = false;
  bool started_ = false;
  bool continued_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool discarding_ = false;
};

}  // namespace

void serve_http(IoThread& thread, Stream stream, const HttpContext& context) {
  std::make_shared<HttpConnection>(thread, std::move(stream), context)->start();
}

}  // namespace simpleim::net
