#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/http_connection.h"
#include "net/stream.h"

namespace simpleim::net {

/// The sending side of an HTTP connection: heads and bodies, at the pace at which the client takes them. A body that is
/// not in memory is read in pieces by the file pool. On the connection's thread.
class Responder {
 public:
  /// The connection. Until ended() is called it may be told at any time.
  class Owner {
   public:
    /// Keeps the connection while something is waited for.
    virtual std::shared_ptr<Owner> hold() = 0;
    /// All of the answer has been written.
    virtual void answered() = 0;
    /// What was waited for is there: the next requests may be looked at.
    virtual void advance() = 0;
    /// The client is gone, or the body ended before its length.
    virtual void lost() = 0;

   protected:
    ~Owner() = default;
  };
  struct Manner {
    /// The page that may read the answer; "": none but the server's own.
    std::string cors_origin;
    bool keep_alive = true;
    bool head_only = false;
  };

  /// `timer` is restarted whenever the client has to take something.
  Responder(IoThread& thread, Stream& stream, const HttpContext& context, Timer& timer, Owner& owner)
      : thread_(thread), stream_(stream), context_(context), timer_(timer), owner_(owner) {}

  /// One at a time: answered() comes before the next one, possibly from within this call.
  void answer(const Response& response, const Manner& manner);
  /// Bytes beside answers: "100 Continue", the head of a WebSocket.
  void write(std::string_view text);

  /// Nothing waits to be taken by the client.
  bool is_drained() const { return outbox_.empty(); }
  /// The connection has ended: nothing more is told.
  void ended();

 private:
  static constexpr std::size_t kPiece = 256 << 10;

  void went_out();
  void read_source();
  void send_piece(std::string_view piece, std::size_t wanted);
  void wait_writable();
  void send_rest();

  IoThread& thread_;
  Stream& stream_;
  const HttpContext& context_;
  Timer& timer_;
  Owner& owner_;
  std::string outbox_;
  std::shared_ptr<BodySource> source_;
  std::uint64_t source_left_ = 0;
  bool answering_ = false;
  bool ended_ = false;
};

}  // namespace simpleim::net
