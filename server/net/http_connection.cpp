#include "net/http_connection.h"

#include <algorithm>

#include "base/log.h"
#include "base/worker_pool.h"
#include "net/request_reader.h"
#include "net/responder.h"
#include "net/upload.h"
#include "net/websocket_handshake.h"

namespace simpleim::net {
namespace {

using Answer = std::variant<Response, Upgrade>;

/// What is told about the request that was taken, when its answer begins.
struct RequestLog {
  /// Of the router.
  std::string_view route;
  bool upgrade = false;

  void begin(const Request& request) {
    route = {};
    upgrade = false;
    method_ = request.method;
    path_ = request.path;
    address_ = request.remote_address;
    began_us_ = steady_us();
  }
  /// Once a request; also called where none was taken.
  void answered(const HttpContext& context, int status) {
    if (!context.answered || method_.empty()) return;
    context.answered(
        {method_, path_, upgrade ? std::string_view(path_) : route, address_, status, steady_us() - began_us_});
    method_.clear();
  }

 private:
  std::string method_;
  std::string path_;
  std::string address_;
  std::int64_t began_us_ = 0;
};

/// One connection: requests come from the reader, go to their handlers, and their answers to the responder; advance()
/// is the loop that keeps them in order.
class HttpConnection final : public std::enable_shared_from_this<HttpConnection>,
                             public Timer,
                             public Responder::Owner {
 public:
  HttpConnection(IoThread& thread, Stream stream, const HttpContext& context)
      : thread_(thread),
        stream_(std::move(stream)),
        context_(context),
        reader_(
            {context.max_header, context.max_body, context.max_upload},
            [&context](Request& head) {
              const auto* route = context.router->find(head).route;
              return route != nullptr && route->upload ? route : nullptr;
            },
            context.mount),
        responder_(thread, stream_, context, *this, *this) {}

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
    if (upload_) return upload_->wants_more();
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
      if (upload_) feed_upload();
    }
    advance();
  }

  /// Answers what has come, request by request, until one has to wait for something; whatever ends such a wait calls
  /// this again. The only loop: answering never leads back here, so requests in bulk cost no stack, and after some of
  /// them other connections have their turn.
  void advance() override {
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
        responder_.write(kContinue);
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
    manner_.keep_alive = reader_.keep_alive();
    manner_.head_only = request.method == "HEAD";
    auto arrival = context_.trusted_proxies.arrival(stream_.remote_address(), stream_.is_tls(), request);
    request.remote_address = std::move(arrival.client);
    request.host = std::move(arrival.host);
    request.https = arrival.https;
    const auto origin = request.header("origin");
    manner_.cors_origin = is_allowed_origin(context_.allowed_origins, origin) ? std::string(origin) : "";
    log_.begin(request);
    return request;
  }

  // ---------------------------------------------------------------- uploads

  void begin_upload(Request head) {
    const auto& route = reader_.upload_route();
    log_.route = route.pattern;
    head.route = route.pattern;
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
    auto pump = std::make_shared<BodyPump>(
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
    upload_ = std::make_shared<Upload>(std::move(pump), reader_, context_.idle_timeout_ms);
    if (reader_.upload_waits()) responder_.write(kContinue);
    upload_ready();
  }

  void upload_ready() {
    if (!self_ || !upload_) return;
    thread_.timers().schedule(*this, context_.idle_timeout_ms);
    feed_upload();
    advance();
  }

  void feed_upload() {
    const auto upload = upload_;  // an event may drop it meanwhile
    std::uint64_t came = 0;
    const auto refusal = upload->feed(came);
    if (refusal) return end_upload(context_.router->error(refusal->status, refusal->text));
    if (came > 0 && upload_ == upload) thread_.timers().schedule(*this, context_.idle_timeout_ms);
  }

  void end_upload(const Response& response) {
    if (!self_) return;
    if (!reader_.body_is_whole()) manner_.keep_alive = false;
    upload_.reset();
    answer(response);
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
    // Without that header it is a question of its own (tus asks what the server can do).
    if (request.method == "OPTIONS" && !manner_.cors_origin.empty() &&
        !request.header("access-control-request-method").empty())
      return answer_preflight();
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
    response.headers = {{"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"},
                        {"Access-Control-Allow-Headers",
                         "authorization, content-type, range, if-none-match, tus-resumable, upload-length, "
                         "upload-metadata, upload-offset, x-http-method-override, x-requested-with"},
                        {"Access-Control-Max-Age", "600"}};
    answer(response);
  }

  void run(const Route& route, Request request) {
    log_.route = route.pattern;
    request.route = route.pattern;
    if (route.admit)
      if (const auto refusal = route.admit(request)) return answer(*refusal);
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
    log_.upgrade = true;
    if (!is_websocket_handshake(request)) {
      auto response = context_.router->error(426, "this path takes a WebSocket upgrade, version 13");
      response.headers.emplace_back("Upgrade", "websocket");
      response.headers.emplace_back("Sec-WebSocket-Version", "13");
      return answer(response);
    }
    upgrading_ = std::make_shared<std::atomic<bool>>(false);
    thread_.timers().schedule(*this, context_.upgrade_timeout_ms);
    Handshake handshake{std::string(request.header("sec-websocket-key")), {}};
    if (context_.websocket.deflate) handshake.deflate = accept_deflate(request.header("sec-websocket-extensions"));
    auto send = [self = shared_from_this(), handshake = std::move(handshake)](Answer reply) {
      self->thread_.post(
          [self, handshake, reply = std::move(reply)]() mutable { self->upgrade(handshake, std::move(reply)); });
    };
    handler(request, UpgradeReply(std::move(send), upgrading_));
  }

  struct Handshake {
    std::string key;
    std::optional<DeflateAgreement> deflate;
  };
  void upgrade(const Handshake& handshake, Answer reply) {
    if (!self_ || !upgrading_) return;  // gone, or answered because its time was over
    upgrading_.reset();
    if (auto* response = std::get_if<Response>(&reply)) {
      answer(*response);
      return advance();
    }
    auto& accepted = std::get<Upgrade>(reply);
    responder_.write(
        accept_websocket(handshake.key, accepted.subprotocol, handshake.deflate ? handshake.deflate->response : ""));
    if (!self_) return;
    // A socket that is just open takes 200 bytes at once; one that does not is as good as closed.
    if (!responder_.is_drained()) return finish();
    log_.answered(context_, 101);
    responder_.ended();
    // An idle WebSocket must not keep this object, which waited for the end of the connection until now.
    stream_.stop_waiting();
    auto socket = std::make_shared<WebSocket>(thread_, std::move(stream_), context_.websocket,
                                              handshake.deflate ? handshake.deflate->server_window_bits : 0);
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
    busy_ = true;
    log_.answered(context_, response.status);
    responder_.answer(response, manner_);
  }

  // ---- Responder::Owner

  std::shared_ptr<Responder::Owner> hold() override { return shared_from_this(); }

  void answered() override {
    if (!manner_.keep_alive) return linger();
    busy_ = timed_ = false;
    reader_.next();
    thread_.timers().schedule(*this, context_.idle_timeout_ms);
  }

  void lost() override { finish(); }

  void refuse(int status, std::string_view text) {
    manner_.keep_alive = manner_.head_only = false;
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

  // ---------------------------------------------------------------- end

  void finish() {
    give_up_upgrade();
    upload_.reset();
    responder_.ended();
    thread_.timers().cancel(*this);
    stream_.close();
    self_.reset();
  }

  void expired() override {
    const auto keep_alive = shared_from_this();
    if (upgrading_) {
      give_up_upgrade();
      manner_.keep_alive = false;
      return answer(busy_response());
    }
    if (timed_ && !busy_ && responder_.is_drained()) return refuse(408, "the request did not come in time");
    finish();
  }

  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  static constexpr std::int64_t kLingerMs = 2000;
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
  Responder responder_;
  /// How the request that was taken is answered.
  Responder::Manner manner_;
  RequestLog log_;
  /// Set while a body streams.
  std::shared_ptr<Upload> upload_;
  /// Set while an upgrade waits for its answer; true in it tells that nobody waits any more.
  std::shared_ptr<std::atomic<bool>> upgrading_;
  /// A request has been taken and its answer is not out.
  bool busy_ = false;
  bool listening_ = false;
  /// What has come waits for another turn of the thread.
  bool paused_ = false;
  /// The time for the request to be whole is running.
  bool timed_ = false;
};

}  // namespace

void serve_http(IoThread& thread, Stream stream, const HttpContext& context) {
  std::make_shared<HttpConnection>(thread, std::move(stream), context)->start();
}

}  // namespace simpleim::net
