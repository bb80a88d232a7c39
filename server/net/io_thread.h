#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "net/timer_wheel.h"

namespace simpleim::net {

namespace asio = boost::asio;

class MessageDeflate;
class WebSocket;

/// A piece of output that waits for the end of a pass. `data` lives at least until then; `owner`,
/// where there is one, can keep it alive longer.
class SharedBytes;
struct Chunk {
  const char* data;
  std::size_t size;
  const SharedBytes* owner;
};
using Chunks = std::vector<Chunk>;

/// One of the server's I/O threads: its event loop and what its connections share, so that an idle
/// connection holds no buffer and no timer of its own. All but post() only on the thread itself.
class IoThread {
 public:
  explicit IoThread(std::size_t index);
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void start();
  /// Ends the loop and waits for the thread.
  void stop();

  std::size_t index() const { return index_; }
  asio::io_context& context() { return context_; }
  TimerWheel& timers() { return timers_; }

  /// Runs `f` on the thread, soon. Thread-safe.
  template <class F>
  void post(F&& f) {
    asio::post(context_, std::forward<F>(f));
  }

  /// Runs `work` later, a few at a time between other events: for what may come in thousands at once
  /// and nobody waits for, like the end of connections.
  void defer(std::function<void()> work);

  /// Where sockets are read into; kReadPadding further bytes may be read behind its end.
  std::span<char> receive_buffer() { return {receive_.data(), kReceiveBytes}; }
  static constexpr std::size_t kReceiveBytes = 128 << 10;
  static constexpr std::size_t kReadPadding = 64;

  /// For the messages of all its connections; made when the first one wants it.
  MessageDeflate& deflate();

  /// Memory until the end of the pass (flush_dirty).
  char* scratch(std::size_t bytes);
  /// A socket with chunks to write at the end of the pass.
  void mark_dirty(WebSocket& socket) { dirty_.push_back(&socket); }
  void forget_dirty(const WebSocket& socket);
  /// Writes what the pass has queued, a gather write a socket.
  void flush_dirty();

  /// WebSockets on this thread whose connection has not ended, also those that say goodbye. Thread-safe.
  std::size_t open_sockets() const { return open_sockets_; }
  void count_socket(bool opened) { opened ? ++open_sockets_ : --open_sockets_; }

  std::unique_ptr<Chunks> take_chunks();
  void give_back(std::unique_ptr<Chunks> chunks);

 private:
  void tick();
  void run_deferred();
  static void report(const std::exception& e);

  static constexpr std::size_t kDeferredAtOnce = 16;
  static constexpr std::size_t kScratchBlock = 64 << 10;
  static constexpr std::size_t kScratchBlocksKept = 64;

  const std::size_t index_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer ticker_;
  TimerWheel timers_;
  std::vector<char> receive_;
  std::deque<std::unique_ptr<char[]>> blocks_;
  std::vector<std::unique_ptr<char[]>> large_;
  std::size_t block_ = 0;
  std::size_t block_used_ = 0;
  std::unique_ptr<MessageDeflate> deflate_;
  std::vector<WebSocket*> dirty_;
  std::vector<WebSocket*> flushing_;
  std::vector<std::unique_ptr<Chunks>> free_chunks_;
  std::deque<std::function<void()>> deferred_;
  std::atomic<std::size_t> open_sockets_ = 0;
  std::thread thread_;
};

}  // namespace simpleim::net
