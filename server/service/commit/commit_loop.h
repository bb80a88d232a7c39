#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <span>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "service/messages/batch.h"
#include "service/messages/operations.h"
#include "service/messages/permissions.h"
#include "store/store.h"

namespace simpleim::service {

/// A message that waits for its commit.
struct Send {
  protocol::SendFrame frame;
  UserId from;
  Origin origin;
};
/// An operation on a stored message that waits for its commit.
struct Operation {
  protocol::OperationFrame frame;
  UserId from;
  Origin origin;
};
/// A read or delivered mark that waits for its commit.
struct Mark {
  protocol::MarkFrame frame;
  UserId user;
  Origin origin;
};
/// Goes through the same permissions as a message, but nowhere else.
struct TypingSignal {
  ConversationId conversation;
  UserId user;
  Origin origin;
};

/// The one thread that writes: takes what waits, applies it in one batch of the store (group
/// commit), and only when the batch is durable releases its ACKs and deliveries (promise P1).
/// Nothing waits without end: a full queue refuses, a failed batch refuses everything in it.
/// On a store that other nodes write to as well, a batch first claims the conversations it writes to, is tried again
/// when somebody was in the way, and says in the commit log what it changed; tasks, whose claims nobody knows
/// beforehand, are batches of their own.
class CommitLoop {
 public:
  struct Options {
    std::size_t max_queue = 0;
    /// How long a busy loop waits for more before it commits.
    std::int64_t delay_us = 0;
    OperationRules operations;
    /// Where on its host the world sees the server: "/chat", or "".
    std::string public_path;
  };

  CommitLoop(store::Store& store, EventSink& sink, const base::Clock& clock, base::Metrics& metrics, Options options);
  ~CommitLoop();

  /// Thread-safe, do not block. False when the queue is full; nothing was taken then.
  [[nodiscard]] bool send(std::vector<Send>&& sends);
  [[nodiscard]] bool operate(Operation operation);
  [[nodiscard]] bool mark(Mark mark);
  [[nodiscard]] bool typing(TypingSignal signal);

  /// Runs `task` inside a batch some time; for what nobody waits for.
  [[nodiscard]] bool post(std::function<void(Batch&)> task);
  /// Runs `task` inside a batch and returns when that batch is durable. When the task returns an
  /// error or throws, its own writes are undone and nothing of it is emitted. A task appends
  /// messages only after everything that can fail. Blocks: for worker threads.
  template <class T>
  Result<T> run(std::function<Result<T>(Batch&)> task);

  /// Commits what waits, ends the thread and refuses everything after.
  void stop();

 private:
  struct Task {
    /// Applies it; false when its writes are to be undone.
    std::function<bool(Batch&)> apply;
    /// Called after the commit, or with the error of the batch.
    std::function<void(const Error*)> done;
  };
  using Command = std::variant<std::vector<Send>, Operation, Mark, TypingSignal, Task>;

  bool enqueue(Command command, std::size_t weight);
  void work();
  std::vector<Command> take();
  void commit(std::span<Command> commands);
  /// Nothing when the batch is stored.
  std::optional<store::StoreError> try_commit(std::span<Command> commands, std::vector<Event>& instead);
  void commit_one_by_one(std::span<Command> commands);
  void claim(std::span<const Command> commands);
  void apply(Batch& batch, Command& command);
  void apply_send(Batch& batch, Send& send);
  /// What the server knows better than the sender; `files` go where the message goes.
  std::optional<protocol::Error> complete_content(protocol::SendFrame& frame, UserId from,
                                                  std::vector<base::FileId>& files);
  void apply_operation(Batch& batch, Operation& operation);
  void apply_mark(Batch& batch, const Mark& mark);
  void apply_task(Batch& batch, Task& task);
  /// At most once a second: a store that is away fails a batch for each message.
  void log_failure(const char* what);
  void refuse(std::span<Command> commands, std::vector<Event>&& instead, const Error& error);
  void tidy();
  void publish_figures(const std::vector<Event>& events, std::int64_t started_us);

  /// What a task counts for beside messages: its statements cost about as much.
  static constexpr std::size_t kTaskWeight = 8;
  /// Messages in one commit, at most; the rest waits for the next.
  static constexpr std::size_t kMaxBatch = 4096;

  store::Store& store_;
  EventSink& sink_;
  const base::Clock& clock_;
  base::Metrics& metrics_;
  const Options options_;
  const Operations operations_;
  Permissions permissions_;
  /// Null: nobody else writes to this store.
  store::CommitLog* const commit_log_;

  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Command> queue_;
  /// Of each, when it came; steady ms.
  std::vector<std::int64_t> queued_at_ms_;
  std::size_t queued_ = 0;
  bool stopping_ = false;

  std::size_t last_batch_ = 0;
  std::size_t batch_messages_ = 0;
  std::int64_t batch_oldest_ms_ = 0;
  bool tidy_pending_ = true;
  std::int64_t tidied_ms_ = 0;
  std::int64_t failure_logged_ms_ = 0;
  std::int64_t failures_ = 0;
  std::thread thread_;
};

template <class T>
Result<T> CommitLoop::run(std::function<Result<T>(Batch&)> task) {
  std::promise<Result<T>> promise;
  auto future = promise.get_future();
  std::optional<Result<T>> result;
  Task wrapped;
  wrapped.apply = [&](Batch& batch) {
    result = task(batch);
    return result->ok();
  };
  wrapped.done = [&](const Error* error) {
    if (error != nullptr) promise.set_value(*error);
    else promise.set_value(std::move(*result));
  };
  if (!enqueue(std::move(wrapped), kTaskWeight))
    return Error{ErrorCode::kUnavailable, "the server is busy; try again", "", 1000};
  return future.get();
}

/// Appends a group event (type 3) to its conversation and emits it; returns its seq. `content` is JSON.
std::int64_t append_event(Batch& batch, base::IdMaker& ids, GroupId group, std::string content);

}  // namespace simpleim::service
