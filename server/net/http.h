#pragma once

#include <any>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/body.h"
#include "net/websocket.h"

namespace simpleim::net {

/// A parsed HTTP/1.1 request. Path parts and query values are percent-decoded UTF-8.
struct Request {
  std::string method;
  std::string path;
  std::map<std::string, std::string, std::less<>> query;
  /// Names in lower case.
  std::map<std::string, std::string, std::less<>> headers;
  std::string body;
  /// The client's, and how he reached the server: through whichever proxies are trusted (client_address.h).
  std::string remote_address;
  std::string host;
  bool https = false;
  /// Set for a request that does not come over a connection of its own, by whoever makes it: who asks, in a type of
  /// those who handle it.
  std::any caller = {};
  /// The values of `:name` parts of the route's pattern.
  std::map<std::string, std::string, std::less<>> path_values;
  /// That pattern; lives as long as the router.
  std::string_view route = {};

  std::string_view header(std::string_view name) const;
  /// "" when the query has no such key.
  std::string_view param(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// In place of `body`, when set: `source_bytes` bytes from there.
  std::shared_ptr<BodySource> source;
  std::uint64_t source_bytes = 0;
};

/// Takes over the connection as a WebSocket: called on its I/O thread after the 101 is queued.
struct Upgrade {
  std::string subprotocol;
  std::function<void(IoThread&, const std::shared_ptr<WebSocket>&, std::string_view received)> opened;
};
/// Answers an upgrade request: to be called once, from any thread.
class UpgradeReply {
 public:
  using Send = std::function<void(std::variant<Response, Upgrade>)>;
  /// `gone` becomes true, on the connection's thread, when nobody waits for the answer any more.
  UpgradeReply(Send send, std::shared_ptr<const std::atomic<bool>> gone)
      : send_(std::move(send)), gone_(std::move(gone)) {}

  void operator()(std::variant<Response, Upgrade> answer) const { send_(std::move(answer)); }
  /// False once the client has gone: what would be done for it is of no use. Thread-safe.
  bool is_wanted() const { return !*gone_; }

 private:
  Send send_;
  std::shared_ptr<const std::atomic<bool>> gone_;
};

/// Where a handler runs. kInline: on the I/O thread, must not block. The others in pools.
enum class Lane { kInline, kWorker, kHashing, kFiles };

using Handler = std::function<Response(const Request&)>;
/// Decides about an upload by its head, before its body is taken: a refusal, or where the body goes. In the file pool.
using UploadHandler = std::function<std::variant<Response, std::unique_ptr<BodySink>>(const Request&)>;
/// A look at the request before it stands in line for its lane: a refusal, or nothing. On the I/O thread, must not
/// block.
using Admit = std::function<std::optional<Response>(const Request&)>;
using UpgradeHandler = std::function<void(const Request&, UpgradeReply)>;

struct Route {
  std::string method;
  std::string pattern;
  Lane lane = Lane::kWorker;
  Handler handler;
  /// Set in place of `handler` where bodies stream.
  UploadHandler upload = {};
  Admit admit = {};
};

/// Finds the handler of a request. Filled before the server starts, then only read.
class Router {
 public:
  /// `pattern` is made of `/`-separated parts; `:name` matches one part. A path that several patterns match is of the
  /// one with the fewest names, with the methods of that one alone.
  void add(std::string method, std::string pattern, Lane lane, Handler handler, Admit admit = {});
  /// A route whose request bodies may be large.
  void upload(std::string method, std::string pattern, UploadHandler handler);
  void websocket(std::string path, UpgradeHandler handler);
  /// Answers GET and HEAD of every path that no route and no upgrade has; on the I/O thread.
  void fallback(Handler handler) { fallback_.handler = std::move(handler); }
  /// Answers what no route does: 404, 405 (with Allow) and failures of the server itself, so that
  /// they look like all other errors. Status and a text for people.
  void errors(std::function<Response(int status, std::string_view text)> make) { make_error_ = std::move(make); }

  struct Match {
    const Route* route = nullptr;
    /// Set when only the method was wrong: what is allowed.
    std::string allow;
  };
  /// Fills request.path_values.
  Match find(Request& request) const;
  const UpgradeHandler* find_upgrade(const Request& request) const;
  Response error(int status, std::string_view text) const { return make_error_(status, text); }
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
  Route fallback_{"GET", "*", Lane::kInline, {}};
  std::map<std::string, UpgradeHandler, std::less<>> upgrades_;
  std::function<Response(int, std::string_view)> make_error_;
};

/// Percent-decodes; nothing when an escape is broken, or the result is not UTF-8 or has a NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
/// Splits a request target into path and query; false when it is malformed.
bool parse_target(std::string_view target, Request& out);

}  // namespace simpleim::net
