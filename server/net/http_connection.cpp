#include "net/http_connection.h"

#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>
#include <chrono>

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
    parser_.reset();
    upload_parser_.reset();
    head_parser_.emplace();
    head_parser_->header_limit(static_cast<std::uint32_t>(context_.max_header));
    head_parser_->body_limit(boost::none);  // which limit holds is known when the head is
    started_ = false;
    thread_.timers().schedule(*this, context_.idle_timeout_ms);
  }

  void wait_readable() {
    if (waiting_) return;
    waiting_ = true;
    stream_.when_readable([self = shared_from_this()](const boost::system::error_code& error) {
      self->waiting_ = false;
      if (!error && self->self_ && self->may_read()) self->on_readable();
    });
  }

  bool may_read() const { return pump_ ? pump_->wants_more() : !busy_; }

  void on_readable() {
    const auto buffer = thread_.receive_buffer();
    const auto got = stream_.read(buffer);
    if (got.state == IoCount::State::kClosed) return finish();
    if (got.state == IoCount::State::kDone) {
      inbox_.append(buffer.data(), got.bytes);
      if (pump_) feed_upload(got.bytes);
      else parse();
      if (!self_ || discarding_ || !may_read()) return;
    }
    wait_readable();
  }

  /// Feeds the parser with what has come, and handles a request that is complete.
  void parse() {
    while (!inbox_.empty() && head_parser_) {
      if (!started_) {
        started_ = true;  // the whole request must come within the time from its first byte
        thread_.timers().schedule(*this, context_.header_timeout_ms);
      }
      if (!put(*head_parser_)) return;
      if (head_parser_->is_header_done() && !begin_body()) return;
    }
    while (parser_ && !inbox_.empty() && !parser_->is_done())
      if (!put(*parser_)) return;
    if (parser_ && parser_->is_done()) handle();
  }

  /// Feeds a parser with what has come. False when more is needed or the request was refused.
  template <class Parser>
  bool put(Parser& parser) {
    boost::system::error_code error;
    const auto used = parser.put(boost::asio::buffer(inbox_), error);
    inbox_.erase(0, used);
    if (!error) return true;
    if (error == http::error::need_more) return false;
    if (error == http::error::header_limit) return refuse(431, "the request header is too large"), false;
    if (error == http::error::body_limit) return refuse_body(context_.max_body), false;
    return refuse(400, "the request is not valid HTTP/1.1"), false;
  }

  void refuse_body(std::uint64_t limit) {
    refuse(413, "the request body may have at most " + std::to_string(limit) + " bytes");
  }

  /// The head is whole: decides how the body is taken. False when there is nothing more to parse now.
  bool begin_body() {
    if (!header_allowed(head_parser_->get())) return false;
    auto& message = head_parser_->get();
    if (!head_parser_->is_done()) {
      Request head;
      const auto target = message.target();
      if (parse_target({target.data(), target.size()}, head)) {
        head.method = std::string(message.method_string());
        const auto match = context_.router->find(head);
        if (match.route != nullptr && match.route->upload) return begin_upload(*match.route, std::move(head)), false;
      }
    }
    if (head_parser_->content_length().value_or(0) > context_.max_body) return refuse_body(context_.max_body), false;
    parser_.emplace(std::move(*head_parser_));
    head_parser_.reset();
    parser_->body_limit(context_.max_body);
    parser_->eager(true);
    send_continue(parser_->get());
    return self_ != nullptr;
  }

  template <class Message>
  void send_continue(const Message& message) {
    if (message[http::field::expect] == "100-continue") write("HTTP/1.1 100 Continue\r\n\r\n");
  }

  template <class Message>
  bool header_allowed(const Message& message) {
    if (message.count(http::field::content_encoding) > 0 && message[http::field::content_encoding] != "identity")
      return refuse(415, "a request body must come without Content-Encoding"), false;
    if (message.count(http::field::content_length) + message.count(http::field::transfer_encoding) > 1)
      return refuse(400, "a request has one Content-Length or one Transfer-Encoding, not both"), false;
    if (message.count(http::field::host) != 1 && message.version() == 11)
      return refuse(400, "a request has exactly one Host header"), false;
    return true;
  }

  template <class Message>
  void read_head(const Message& message, Request& request) {
    keep_alive_ = message.keep_alive();
    for (const auto& field : message) {
      auto& value = request.headers[lower({field.name_string().data(), field.name_string().size()})];
      if (!value.empty()) value += ", ";
      value.append(field.value().data(), field.value().size());
    }
    request.remote_address =
        context_.trusted_proxies.client(stream_.remote_address(), request.header("x-forwarded-for"));
    request.tls = stream_.is_tls();
    head_only_ = request.method == "HEAD";
    const auto& origins = context_.allowed_origins;
    const auto origin = request.header("origin");
    cors_origin_ = std::find(origins.begin(), origins.end(), origin) != origins.end() ? std::string(origin) : "";
  }

  std::optional<Request> take_request() {
    auto message = parser_->release();
    Request request;
    request.method = std::string(message.method_string());
    const auto target = message.target();
    if (!parse_target({target.data(), target.size()}, request)) return std::nullopt;
    read_head(message, request);
    request.body = std::move(message.body());
    return request;
  }

  // ---------------------------------------------------------------- uploads

  void begin_upload(const Route& route, Request head) {
    if (head_parser_->content_length().value_or(0) > context_.max_upload) return refuse_body(context_.max_upload);
    read_head(head_parser_->get(), head);
    upload_parser_.emplace(std::move(*head_parser_));
    head_parser_.reset();
    upload_parser_->body_limit(context_.max_upload);
    upload_parser_->eager(true);
    busy_ = true;
    thread_.timers().cancel(*this);
    auto task = [self = shared_from_this(), &route, head = std::move(head)] {
      auto opened = self->open_sink(route, head);
      self->thread_.post([self, opened = std::make_shared<decltype(opened)>(std::move(opened))] {
        self->upload_opened(std::move(*opened));
      });
    };
    if (!context_.files->submit(std::move(task))) refuse_busy();
  }

  std::variant<Response, std::unique_ptr<BodySink>> open_sink(const Route& route, const Request& head) const {
    try {
      return route.upload(head);
    } catch (const std::exception& e) {
      base::log::error("an upload could not begin", {{"route", route.pattern}, {"what", e.what()}});
      return context_.router->error(500, "internal error");
    }
  }

  void upload_opened(std::variant<Response, std::unique_ptr<BodySink>> opened) {
    if (!self_) return;
    if (auto* refusal = std::get_if<Response>(&opened)) return end_upload(*refusal);
    pump_ = std::make_shared<BodyPump>(
        thread_, *context_.files, *context_.slow_files, std::get<std::unique_ptr<BodySink>>(std::move(opened)),
        BodyPump::Events{[self = shared_from_this()] { self->upload_ready(); },
                         [self = shared_from_this()](Response response) {
                           self->end_upload(response.status == 500 && response.body.empty()
                                                ? self->context_.router->error(500, "internal error")
                                                : std::move(response));
                         },
                         [self = shared_from_this()] { self->refuse_busy(); }});
    upload_began_ms_ = steady_ms();
    upload_bytes_ = 0;
    send_continue(upload_parser_->get());
    if (self_) upload_ready();
  }

  void upload_ready() {
    if (!self_ || !pump_) return;
    thread_.timers().schedule(*this, context_.idle_timeout_ms);
    feed_upload(0);
    if (self_ && pump_ && pump_->wants_more()) wait_readable();
  }

  void feed_upload(std::size_t came) {
    upload_bytes_ += came;
    if (came > 0) thread_.timers().schedule(*this, context_.idle_timeout_ms);
    const auto pump = pump_;  // an event may drop it meanwhile
    const auto took_ms = steady_ms() - upload_began_ms_;
    if (took_ms > context_.idle_timeout_ms && upload_bytes_ * 1000 / static_cast<std::uint64_t>(took_ms) < kLeastRate)
      return end_upload(context_.router->error(408, "the request body comes too slowly"));
    while (!inbox_.empty() && !upload_parser_->is_done() && pump->wants_more()) {
      auto& body = upload_parser_->get().body();
      const auto room = pump->room(inbox_.size());
      body.data = room.data();
      body.size = room.size();
      body.more = true;
      boost::system::error_code error;
      const auto used = upload_parser_->put(boost::asio::buffer(inbox_), error);
      pump->take_back(body.size);
      inbox_.erase(0, used);
      if (error == http::error::need_more) break;
      if (error == http::error::body_limit) return end_upload(context_.router->error(413, "the body is too large"));
      if (error && error != http::error::need_buffer)
        return end_upload(context_.router->error(400, "the request is not valid HTTP/1.1"));
    }
    if (upload_parser_->is_done()) pump->end();
    else pump->push();
  }

  void end_upload(const Response& response) {
    if (!self_) return;
    if (!upload_parser_->is_done()) {
      keep_alive_ = false;
      inbox_.clear();
    }
    drop_pump();
    answer(response);
  }

  void drop_pump() {
    if (auto pump = std::exchange(pump_, nullptr)) pump->abandon();
  }

  void refuse_busy() {
    if (!self_) return;
    auto busy = context_.router->error(503, "the server is busy; try again");
    busy.headers.emplace_back("Retry-After", "1");
    if (upload_parser_) end_upload(busy);
    else answer(busy);
  }

  // ---------------------------------------------------------------- answers

  void handle() {
    busy_ = true;
    thread_.timers().cancel(*this);
    auto request = take_request();
    if (!request) {
      keep_alive_ = false;
      return answer(context_.router->error(400, "the request target is malformed"));
    }
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
    // A body that could stream but has no bytes.
    if (route.upload) return handle_empty_upload(route, std::move(request));
    auto* pool = route.lane == Lane::kHashing ? context_.hashing
                 : route.lane == Lane::kFiles ? context_.files
                                              : context_.workers;
    auto task = [self = shared_from_this(), &route, request = std::move(request)] {
      auto response = self->call(route, request);
      self->thread_.post([self, response = std::move(response)] { self->answer(response); });
    };
    if (!pool->submit(std::move(task))) refuse_busy();
  }

  void handle_empty_upload(const Route& route, Request request) {
    auto task = [self = shared_from_this(), &route, request = std::move(request)] {
      auto opened = self->open_sink(route, request);
      auto* refusal = std::get_if<Response>(&opened);
      auto response = refusal != nullptr ? std::move(*refusal) : std::get<std::unique_ptr<BodySink>>(opened)->finish();
      self->thread_.post([self, response = std::move(response)] { self->answer(response); });
    };
    if (!context_.files->submit(std::move(task))) refuse_busy();
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
    if (response.source || !response.body.empty() || (response.status != 204 && response.status != 304)) {
      text += "Content-Type: " + response.content_type + "\r\n";
      text += "Content-Length: " +
              std::to_string(response.source ? response.source_bytes : std::uint64_t{response.body.size()}) + "\r\n";
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
    source_ = head_only_ ? nullptr : response.source;
    source_left_ = source_ ? response.source_bytes : 0;
    busy_ = answering_ = true;
    write(text);
    if (self_ && outbox_.empty()) written();
  }

  /// All that was to be written so far has been.
  void written() {
    if (!answering_) return;
    if (source_left_ > 0) return read_source();
    source_.reset();
    answering_ = busy_ = false;
    after_answer();
  }

  void read_source() {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(source_left_, kSourcePiece));
    auto task = [self = shared_from_this(), source = source_, wanted] {
      std::string piece(wanted, '\0');
      piece.resize(source->read(piece));
      self->thread_.post([self, wanted, piece = std::move(piece)] {
        if (!self->self_) return;
        if (piece.size() < wanted) return self->finish();
        self->source_left_ -= wanted;
        self->write(piece);
        if (self->self_ && self->outbox_.empty()) self->written();
      });
    };
    if (!context_.files->submit(std::move(task))) finish();
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
      self->written();
    });
  }

  void finish() {
    drop_pump();
    source_.reset();
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

  static std::int64_t steady_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  static constexpr std::int64_t kLingerMs = 2000;
  static constexpr std::size_t kSourcePiece = 256 << 10;
  /// Bytes a second that an upload must bring on average once it has taken a minute.
  static constexpr std::uint64_t kLeastRate = 1024;

  IoThread& thread_;
  Stream stream_;
  const HttpContext& context_;
  std::shared_ptr<HttpConnection> self_;
  /// One of them at a time: the head, then how its body is taken.
  std::optional<http::request_parser<http::empty_body>> head_parser_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::request_parser<http::buffer_body>> upload_parser_;
  std::shared_ptr<BodyPump> pump_;
  std::int64_t upload_began_ms_ = 0;
  std::uint64_t upload_bytes_ = 0;
  std::shared_ptr<BodySource> source_;
  std::uint64_t source_left_ = 0;
  std::string inbox_;
  std::string outbox_;
  std::string cors_origin_;
  bool busy_ = false;
  bool waiting_ = false;
  bool started_ = false;
  bool answering_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool discarding_ = false;
};

}  // namespace

void serve_http(IoThread& thread, Stream stream, const HttpContext& context) {
  std::make_shared<HttpConnection>(thread, std::move(stream), context)->start();
}

}  // namespace simpleim::net
