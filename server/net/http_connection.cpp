#include "net/http_connection.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "base/worker_pool.h"
#include "net/request_reader.h"
#include "net/response_head.h"
#include "net/websocket_handshake.h"

namespace simpleim::net {
namespace {

using Answer = std::variant<Response, Upgrade>;

class HttpConnection final : public std::enable_shared_from_this<HttpConnection>, public Timer {
 public:
  HttpConnection(IoThread& thread, Stream stream, const HttpContext& context)
      : thread_(thread),
        stream_(std::move(stream)),
        context_(context),
        reader_({context.max_header, context.max_body, context.max_upload}, [&context](Request& head) {
          const auto* route = context.router->find(head).route;
          return route != nullptr && route->upload ? route : nullptr;
        }) {}

  void start() {
    self_ = shared_from_this();
    thread_.timers().schedule(*this, context_.idle_timeout_ms);
    listen();
  }

 private:
  // ---------------------------------------------------------------- input

  /// Waits for more unless what is there has to be dealt with first: then the peer waits in its kernel.
  void listen() {
    if (!self_ || listening_ || !may_read()) return;
    listening_ = true;
    stream_.when_readable([self = shared_from_this()](const boost::system::error_code& error) {
      self->listening_ = false;
      if (!error && self->self_ && self->may_read()) self->on_readable();
    });
  }

  bool may_read() const {
    if (pump_) return pump_->wants_more();
    // While a client waits for its WebSocket the end of the connection must be seen.
    if (upgrading_) return reader_.unread().size() < kEarlyBytes;
    return !busy_ && !paused_;
  }

  void on_readable() {
    const auto buffer = thread_.receive_buffer();
    const auto got = stream_.read(buffer);
    if (got.state == IoCount::State::kClosed) return finish();
    if (got.state == IoCount::State::kDone) {
      reader_.receive({buffer.data(), got.bytes});
      if (pump_) feed_upload();
    }
    advance();
  }

  /// Answers what has come, request by request, until one has to wait for something; whatever ends such a wait calls
  /// this again. The only loop: answering never leads back here, so requests in bulk cost no stack, and after some of
  /// them other connections have their turn.
  void advance() {
    for (int handled = 0; self_ && !busy_ && !paused_ && step();)
      if (++handled == kRequestsInARow) pause();
    listen();
  }

  void pause() {
    paused_ = true;
    thread_.post([self = shared_from_this()] {
      self->paused_ = false;
      self->advance();
    });
  }

  /// False when nothing more can be done with what has come.
  bool step() {
    switch (reader_.advance()) {
      case RequestReader::State::kNeedsMore:
        // The whole request must come within the time from its first byte.
        if (reader_.has_begun() && !std::exchange(timed_, true))
          thread_.timers().schedule(*this, context_.header_timeout_ms);
        return false;
      case RequestReader::State::kContinue:
        write(kContinue);
        return true;
      case RequestReader::State::kRequest:
        handle(take_request());
        return true;
      case RequestReader::State::kUpload:
        begin_upload(take_request());
        return true;
      case RequestReader::State::kRefused:
        refuse(reader_.refusal().status, reader_.refusal().text);
        return false;
    }
    return false;
  }

  /// From here on the connection is busy with it.
  Request take_request() {
    busy_ = true;
    thread_.timers().cancel(*this);
    auto request = reader_.take();
    keep_alive_ = reader_.keep_alive();
    head_only_ = request.method == "HEAD";
    request.remote_address =
        context_.trusted_proxies.client(stream_.remote_address(), request.header("x-forwarded-for"));
    request.tls = stream_.is_tls();
    const auto& origins = context_.allowed_origins;
    const auto origin = request.header("origin");
    cors_origin_ = std::find(origins.begin(), origins.end(), origin) != origins.end() ? std::string(origin) : "";
    return request;
  }

  // ---------------------------------------------------------------- uploads

  void begin_upload(Request head) {
    const auto& route = reader_.upload_route();
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
    if (auto* refusal = std::get_if<Response>(&opened)) {
      end_upload(*refusal);
      return advance();
    }
    pump_ = std::make_shared<BodyPump>(
        thread_, *context_.files, *context_.slow_files, std::get<std::unique_ptr<BodySink>>(std::move(opened)),
        BodyPump::Events{[self = shared_from_this()] { self->upload_ready(); },
                         [self = shared_from_this()](Response response) {
                           self->end_upload(response.status == 500 && response.body.empty()
                                                ? self->context_.router->error(500, "internal error")
                                                : std::move(response));
                           self->advance();
                         },
                         [self = shared_from_this()] {
                           self->refuse_busy();
                           self->advance();
                         }});
    upload_began_ms_ = steady_ms();
    upload_bytes_ = 0;
    if (reader_.upload_waits()) write(kContinue);
    upload_ready();
  }

  void upload_ready() {
    if (!self_ || !pump_) return;
    thread_.timers().schedule(*this, context_.idle_timeout_ms);
    feed_upload();
    advance();
  }

  void feed_upload() {
    const auto pump = pump_;  // an event may drop it meanwhile
    auto state = RequestReader::BodyState::kFull;
    std::uint64_t came = 0;
    while (state == RequestReader::BodyState::kFull && reader_.has_unread() && pump->wants_more()) {
      const auto room = pump->room(reader_.unread().size());
      std::size_t bytes = 0;
      state = reader_.read_body(room, bytes);
      pump->take_back(room.size() - bytes);
      came += bytes;
    }
    if (state == RequestReader::BodyState::kRefused)
      return end_upload(context_.router->error(reader_.refusal().status, reader_.refusal().text));
    if (came > 0) thread_.timers().schedule(*this, context_.idle_timeout_ms);
    upload_bytes_ += came;
    if (reader_.body_is_whole()) return pump->end();
    if (is_too_slow()) return end_upload(context_.router->error(408, "the request body comes too slowly"));
    pump->push();
  }

  /// Only what belongs to the body counts: what frames it could come for ever.
  bool is_too_slow() const {
    const auto took_ms = steady_ms() - upload_began_ms_;
    return took_ms > context_.idle_timeout_ms &&
           upload_bytes_ * 1000 / static_cast<std::uint64_t>(took_ms) < kLeastRate;
  }

  void end_upload(const Response& response) {
    if (!self_) return;
    if (!reader_.body_is_whole()) keep_alive_ = false;
    drop_pump();
    answer(response);
  }

  void drop_pump() {
    if (auto pump = std::exchange(pump_, nullptr)) pump->abandon();
  }

  void refuse_busy() {
    if (!self_) return;
    end_upload(busy_response());
  }

  Response busy_response() const {
    auto busy = context_.router->error(503, "the server is busy; try again");
    busy.headers.emplace_back("Retry-After", "1");
    return busy;
  }

  // ---------------------------------------------------------------- requests

  void handle(Request request) {
    if (request.method == "OPTIONS" && !cors_origin_.empty()) return answer_preflight();
    if (const auto* upgrade = context_.router->find_upgrade(request)) return handle_upgrade(request, *upgrade);
    const auto match = context_.router->find(request);
    if (match.route == nullptr && !match.allow.empty()) return answer_not_allowed(match.allow);
    if (match.route == nullptr) return answer(context_.router->error(404, "not found"));
    run(*match.route, std::move(request));
  }

  void answer_not_allowed(const std::string& allow) {
    auto response = context_.router->error(405, "this path takes " + allow);
    response.headers.emplace_back("Allow", allow);
    answer(response);
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
    if (route.lane == Lane::kInline) return answer(call(route, request));
    auto* pool = route.lane == Lane::kHashing ? context_.hashing
                 : route.lane == Lane::kFiles ? context_.files
                                              : context_.workers;
    auto task = [self = shared_from_this(), &route, request = std::move(request)] {
      // A body that could stream but has no bytes comes here, too.
      auto response = route.upload ? self->finish_empty(route, request) : self->call(route, request);
      self->thread_.post([self, response = std::move(response)] {
        self->answer(response);
        self->advance();
      });
    };
    if (!pool->submit(std::move(task))) refuse_busy();
  }

  Response finish_empty(const Route& route, const Request& request) const {
    try {
      auto opened = open_sink(route, request);
      auto* refusal = std::get_if<Response>(&opened);
      return refusal != nullptr ? std::move(*refusal) : std::get<std::unique_ptr<BodySink>>(opened)->finish();
    } catch (const std::exception& e) {
      return failed(route, request, e);
    }
  }

  Response call(const Route& route, const Request& request) const {
    try {
      return route.handler(request);
    } catch (const std::exception& e) {
      return failed(route, request, e);
    }
  }

  Response failed(const Route& route, const Request& request, const std::exception& e) const {
    base::log::error("a request handler threw",
                     {{"method", request.method}, {"route", route.pattern}, {"what", e.what()}});
    return context_.router->error(500, "internal error");
  }

  // ---------------------------------------------------------------- WebSockets

  void handle_upgrade(const Request& request, const UpgradeHandler& handler) {
    if (request.method != "GET") return answer_not_allowed("GET");
    if (!is_websocket_handshake(request)) {
      auto response = context_.router->error(426, "this path takes a WebSocket upgrade, version 13");
      response.headers.emplace_back("Upgrade", "websocket");
      response.headers.emplace_back("Sec-WebSocket-Version", "13");
      return answer(response);
    }
    upgrading_ = std::make_shared<std::atomic<bool>>(false);
    thread_.timers().schedule(*this, context_.upgrade_timeout_ms);
    auto send = [self = shared_from_this(), key = std::string(request.header("sec-websocket-key"))](Answer reply) {
      self->thread_.post([self, key, reply = std::move(reply)]() mutable { self->upgrade(key, std::move(reply)); });
    };
    handler(request, UpgradeReply(std::move(send), upgrading_));
  }

  void upgrade(const std::string& key, Answer reply) {
    if (!self_ || !upgrading_) return;  // gone, or answered because its time was over
    upgrading_.reset();
    if (auto* response = std::get_if<Response>(&reply)) {
      answer(*response);
      return advance();
    }
    auto& accepted = std::get<Upgrade>(reply);
    write(accept_websocket(key, accepted.subprotocol));
    if (!self_) return;
    // A socket that is just open takes 200 bytes at once; one that does not is as good as closed.
    if (!outbox_.empty()) return finish();
    // An idle WebSocket must not keep this object, which waited for the end of the connection until now.
    stream_.stop_waiting();
    auto socket = std::make_shared<WebSocket>(thread_, std::move(stream_), context_.websocket);
    self_.reset();
    thread_.timers().cancel(*this);
    accepted.opened(thread_, socket, reader_.unread());
    thread_.flush_dirty();
  }

  /// Whoever still works on the upgrade need not.
  void give_up_upgrade() {
    if (const auto gone = std::exchange(upgrading_, nullptr)) *gone = true;
  }

  // ---------------------------------------------------------------- answers

  void answer(const Response& response) {
    if (!self_) return;
    auto text = response_head(response, {context_.headers, cors_origin_, keep_alive_, stream_.is_tls()});
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
    answering_ = false;
    if (!keep_alive_) return linger();
    busy_ = timed_ = false;
    reader_.next();
    thread_.timers().schedule(*this, context_.idle_timeout_ms);
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
        self->advance();
      });
    };
    if (!context_.files->submit(std::move(task))) finish();
  }

  void refuse(int status, std::string_view text) {
    keep_alive_ = head_only_ = false;
    answer(context_.router->error(status, text));
  }

  /// The answer said "close": reads and forgets until the peer is done, so that it is not lost in a reset. Stays busy.
  void linger() {
    stream_.shutdown_send();
    thread_.timers().schedule(*this, kLingerMs);
    drain();
  }

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
      self->advance();
    });
  }

  // ---------------------------------------------------------------- end

  void finish() {
    give_up_upgrade();
    drop_pump();
    source_.reset();
    thread_.timers().cancel(*this);
    stream_.close();
    self_.reset();
  }

  void expired() override {
    const auto keep_alive = shared_from_this();
    if (upgrading_) {
      give_up_upgrade();
      keep_alive_ = false;
      return answer(busy_response());
    }
    if (timed_ && !busy_ && outbox_.empty()) return refuse(408, "the request did not come in time");
    finish();
  }

  static std::int64_t steady_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  static constexpr std::int64_t kLingerMs = 2000;
  static constexpr std::size_t kSourcePiece = 256 << 10;
  /// Bytes a second that an upload must bring on average once it has taken a minute.
  static constexpr std::uint64_t kLeastRate = 1024;
  /// Requests of one connection before others get their turn.
  static constexpr int kRequestsInARow = 32;
  /// Frames that a client sends before its upgrade is answered.
  static constexpr std::size_t kEarlyBytes = 64 << 10;

  IoThread& thread_;
  Stream stream_;
  const HttpContext& context_;
  /// Itself, until it ends or becomes a WebSocket.
  std::shared_ptr<HttpConnection> self_;
  RequestReader reader_;
  std::shared_ptr<BodyPump> pump_;
  std::int64_t upload_began_ms_ = 0;
  std::uint64_t upload_bytes_ = 0;
  /// Set while an upgrade waits for its answer; true in it tells that nobody waits any more.
  std::shared_ptr<std::atomic<bool>> upgrading_;
  std::shared_ptr<BodySource> source_;
  std::uint64_t source_left_ = 0;
  std::string outbox_;
  std::string cors_origin_;
  /// A request has been taken and its answer is not out.
  bool busy_ = false;
  bool answering_ = false;
  bool listening_ = false;
  /// What has come waits for another turn of the thread.
  bool paused_ = false;
  /// The time for the request to be whole is running.
  bool timed_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
};

}  // namespace

void serve_http(IoThread& thread, Stream stream, const HttpContext& context) {
  std::make_shared<HttpConnection>(thread, std::move(stream), context)->start();
}

}  // namespace simpleim::net
