#pragma once

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/http.h"

namespace simpleim::net {

/// Makes requests of the bytes that an HTTP/1.1 connection brings (RFC 9112), one after the other. Knows no socket and
/// no clock. What it keeps of bytes that are not yet part of a request is bounded: see Limits. One thread.
///
/// The order of calls: receive() what came; advance() until it is kNeedsMore or kRefused. After kRequest: take(),
/// answer, next(). After kUpload: take(), read_body() until it is kWhole, answer, next().
class RequestReader {
 public:
  struct Limits {
    /// Bytes of a head, and of a piece of what frames a body: a chunk's size with its extensions, or all trailers.
    std::size_t head = 16 << 10;
    /// Bytes of a body that is read whole.
    std::uint64_t body = 1 << 20;
    /// Bytes of a body that streams.
    std::uint64_t upload = 1 << 30;
  };
  /// Beyond Limits::head, bytes of framing that each byte of a chunked body may bring: a chunk of one byte has five.
  static constexpr std::uint64_t kFramingPerByte = 8;

  enum class State {
    kNeedsMore,
    /// The client waits for "100 Continue" before it sends the body; go on with advance().
    kContinue,
    kRequest,
    kUpload,
    /// refusal() says why. Where the next request begins is not known: the connection has to end.
    kRefused
  };
  enum class BodyState { kNeedsMore, kFull, kWhole, kRefused };

  struct Refusal {
    int status = 400;
    std::string text;
  };
  /// The route that takes the body of this head as a stream; null: the body is read whole.
  using FindUpload = std::function<const Route*(Request&)>;

  /// `mount`: where the world sees the server ("/chat"; "": at the root). It is cut from the paths that have it; a
  /// proxy may have done so.
  RequestReader(const Limits& limits, FindUpload find_upload, std::string mount = "");

  void receive(std::string_view bytes) { unread_.append(bytes); }
  /// Bytes that came and are not used yet, and how many.
  std::string_view unread() const { return std::string_view(unread_).substr(used_); }
  bool has_unread() const { return used_ < unread_.size(); }
  /// Some of the next request has come.
  bool has_begun() const { return has_begun_; }

  State advance();
  /// The request that advance() found, once. Header names in lower case; what came behind the body as trailers is not
  /// among them (RFC 9110 section 6.5.1). remote_address, host and https are for the caller to set.
  Request take() { return std::move(request_); }
  bool keep_alive() const { return keep_alive_; }
  const Refusal& refusal() const { return refusal_; }

  /// Of a kUpload: which route takes it, and whether the client waits for "100 Continue".
  const Route& upload_route() const { return *upload_route_; }
  bool upload_waits() const { return waits_; }
  /// Moves bytes of the body into `into`, which must not be empty; `bytes`: how many. kFull: there may be more for
  /// another call. kWhole stays kWhole.
  BodyState read_body(std::span<char> into, std::size_t& bytes);
  bool body_is_whole() const { return whole_; }

  /// Makes ready for the request behind the one that was taken.
  void next();

 private:
  using HeadParser = boost::beast::http::request_parser<boost::beast::http::empty_body>;
  using BodyParser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using UploadParser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  /// Gives the parser what has come. False when it needs more, or the request was refused.
  template <class Parser>
  bool put(Parser& parser);
  void use(std::size_t bytes);
  State end_of_head();
  State whole_body();
  bool head_allowed();
  void read_head();
  bool framing_allowed(bool needs_more);
  State refuse(int status, std::string text);
  State refuse_body(std::uint64_t limit);

  const Limits limits_;
  const FindUpload find_upload_;
  const std::string mount_;
  std::string unread_;
  std::size_t used_ = 0;
  /// One of them at a time: the head, then how its body is taken.
  std::optional<HeadParser> head_;
  std::optional<BodyParser> body_;
  std::optional<UploadParser> upload_;
  Request request_;
  const Route* upload_route_ = nullptr;
  Refusal refusal_;
  /// Of a chunked body: all bytes that were used for it, and those that belong to it.
  std::uint64_t body_used_ = 0;
  std::uint64_t payload_ = 0;
  bool chunked_ = false;
  bool has_begun_ = false;
  bool keep_alive_ = true;
  bool waits_ = false;
  bool whole_ = false;
  bool refused_ = false;
};

}  // namespace simpleim::net
