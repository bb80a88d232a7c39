#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace simpleim::base {
class WorkerPool;
}

/// Bodies too large for memory: they pass through in pieces, and the sides that may block run in a pool.
namespace simpleim::net {

struct Response;
class IoThread;

/// Where the body of an upload goes. Calls come one at a time, in order, each from some thread of the file pool.
/// Destroyed without finish() when the client goes away or something fails.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// An answer ends the request; the rest of its body is not taken.
  virtual std::optional<Response> write(std::string_view piece) = 0;
  /// The body was whole.
  virtual Response finish() = 0;
  /// When the client goes away, what has come of the body until then is still written.
  virtual bool keeps_what_came() const { return false; }
  /// finish() takes more than writing to the disk: it runs in the pool for such work.
  virtual bool finishes_slowly() const { return false; }
  /// For whom, when it does: one's many have their turns between those of others.
  virtual std::uint64_t owner() const { return 0; }
};

/// Where the body of an answer comes from. Calls as for BodySink.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Bytes read into the front of `into`; fewer than its size only at the end or when reading fails, and then the
  /// connection ends, because its length was promised.
  virtual std::size_t read(std::span<char> into) = 0;
};

/// Hands a body to its sink: one piece is being written while the next one is filled, so that an upload holds at most
/// two pieces and the socket waits for the disk. On the connection's thread; the sink runs in `pool`.
class BodyPump : public std::enable_shared_from_this<BodyPump> {
 public:
  static constexpr std::size_t kPiece = 512 << 10;

  struct Events {
    /// There is room again after wants_more() was false.
    std::function<void()> ready;
    /// Once: the sink's answer; without a text (status 500) when it threw. The body may not have been read to its end.
    std::function<void(Response)> answered;
    /// The pool is full.
    std::function<void()> busy;
  };
  /// `slow`: where sinks finish that say so.
  BodyPump(IoThread& thread, base::WorkerPool& pool, base::WorkerPool& slow, std::unique_ptr<BodySink> sink,
           Events events);

  /// Grows the piece that is being filled by `bytes` and returns where they belong; take_back() what was not used.
  std::span<char> room(std::size_t bytes);
  void take_back(std::size_t bytes);
  bool wants_more() const { return !answered_ && !ended_ && filling_.size() < kPiece; }
  /// Call after each filling.
  void push();
  /// Nothing more comes.
  void end();
  /// The connection is gone: no event comes any more, and the sink is dropped when its call returns.
  void abandon();

 private:
  void submit(std::function<std::optional<Response>()> step, bool last);
  void drop_sink();
  void returned(std::optional<Response> response);

  IoThread& thread_;
  base::WorkerPool& pool_;
  base::WorkerPool& slow_;
  std::unique_ptr<BodySink> sink_;
  Events events_;
  std::string filling_;
  std::string writing_;
  bool at_work_ = false;
  bool ended_ = false;
  bool answered_ = false;
};

}  // namespace simpleim::net
