#include "service/commit_loop.h"

#include <pthread.h>

#include <chrono>

#include "base/log.h"
#include "service/file_access.h"
#include "service/merged_forward.h"

namespace simpleim::service {
namespace {

using namespace std::chrono_literals;

/// A batch at least this large means that more is on its way: the next one waits a little for it.
constexpr std::size_t kBusyBatch = 48;
/// A batch this large is worth its commit; nothing is gained by waiting longer.
constexpr std::size_t kFullBatch = 768;
/// Quiet for this long: time to tidy.
constexpr auto kIdle = 500ms;

std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// The answer to an id that is in use: by this very message, or by another.
Event answer_again(const store::Appended& earlier, Origin origin, UserId from, const MessageId& id) {
  if (earlier.status == store::AppendStatus::kDuplicate)
    return MessageAccepted{origin, from, id, earlier.conversation, earlier.seq, earlier.timestamp};
  return MessageRefused{
      origin,
      from,
      id,
      {ErrorCode::kMessageIdInUse, "message_id: another message has this id; choose a new one", "message_id"}};
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

CommitLoop::CommitLoop(store::Store& store, EventSink& sink, const base::Clock& clock, base::Metrics& metrics,
                       Options options)
    : store_(store),
      sink_(sink),
      clock_(clock),
      metrics_(metrics),
      options_(options),
      operations_(options.operations),
      permissions_(store) {
  thread_ = std::thread([this] { work(); });
}

CommitLoop::~CommitLoop() { stop(); }

bool CommitLoop::enqueue(Command command, std::size_t weight) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queued_ + weight > options_.max_queue) return false;
    wake = queue_.empty() || queued_ + weight >= kFullBatch;
    if (queue_.empty()) oldest_ms_ = clock_.steady_ms();
    queue_.push_back(std::move(command));
    queued_ += weight;
  }
  if (wake) ready_.notify_one();
  return true;
}

bool CommitLoop::send(std::vector<Send>&& sends) {
  const auto weight = sends.size();
  return enqueue(std::move(sends), weight);
}
bool CommitLoop::operate(Operation operation) { return enqueue(std::move(operation), kTaskWeight); }
bool CommitLoop::mark(Mark mark) { return enqueue(mark, 1); }
bool CommitLoop::typing(TypingSignal signal) { return enqueue(signal, 1); }

bool CommitLoop::post(std::function<void(Batch&)> task) {
  return enqueue(Task{[task = std::move(task)](Batch& batch) { return task(batch), true; }, [](const Error*) {}},
                 kTaskWeight);
}

void CommitLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::vector<CommitLoop::Command> CommitLoop::take() {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return stopping_ || !queue_.empty(); };
  if (!tidy_pending_) ready_.wait(lock, something);
  else if (!ready_.wait_for(lock, kIdle, something)) return {};
  if (last_batch_ >= kBusyBatch && !stopping_ && options_.delay_us > 0)
    ready_.wait_for(lock, std::chrono::microseconds(options_.delay_us),
                    [this] { return stopping_ || queued_ >= kFullBatch; });

  std::vector<Command> taken;
  batch_oldest_ms_ = oldest_ms_;
  if (queued_ <= kMaxBatch) {
    taken.swap(queue_);
    queued_ = 0;
  } else {
    std::size_t weight = 0;
    std::size_t n = 0;
    for (; n < queue_.size() && weight < kMaxBatch; ++n) {
      const auto* sends = std::get_if<std::vector<Send>>(&queue_[n]);
      const bool heavy = std::holds_alternative<Task>(queue_[n]) || std::holds_alternative<Operation>(queue_[n]);
      weight += sends != nullptr ? sends->size() : heavy ? kTaskWeight : 1;
    }
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(n);
    taken.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    queued_ -= weight;
  }
  metrics_.commit_queue.Set(static_cast<double>(queued_));
  return taken;
}

void CommitLoop::work() {
  pthread_setname_np(pthread_self(), "commit");
  for (;;) {
    auto commands = take();
    if (!commands.empty()) {
      commit(std::move(commands));
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ && queue_.empty()) return;
    }
    tidy();
  }
}

void CommitLoop::tidy() {
  try {
    for (;;) {
      tidy_pending_ = store_.tidy();
      metrics_.unarchived.Set(static_cast<double>(store_.untidy()));
      const std::lock_guard lock(mutex_);
      if (!tidy_pending_ || stopping_ || !queue_.empty()) return;
    }
  } catch (const store::StoreError& e) {
    base::log::warn("archiving failed and will be tried again", {{"what", e.what()}});
  }
}

void CommitLoop::commit(std::vector<Command> commands) {
  const auto started_us = steady_us();
  batch_messages_ = 0;
  Batch batch(store_, permissions_, clock_.now_ms());
  try {
    store_.begin();
    try {
      for (auto& command : commands) apply(batch, command);
    } catch (...) {
      store_.rollback();
      throw;
    }
    store_.commit();
  } catch (const std::exception& e) {
    permissions_.forget_all();
    metrics_.commits_failed.Increment();
    base::log::error("a batch was not stored", {{"what", e.what()}, {"commands", commands.size()}});
    const auto* store_error = dynamic_cast<const store::StoreError*>(&e);
    refuse(commands, batch,
           store_error != nullptr ? store_error->as_error() : store::StoreError(ErrorCode::kInternal, "").as_error());
    last_batch_ = 0;
    return;
  }
  tidy_pending_ = true;
  last_batch_ = batch_messages_;
  publish_figures(batch.events(), started_us);
  sink_.deliver(std::move(batch.events()), batch_messages_ > 0 ? batch_oldest_ms_ : 0);
  for (auto& command : commands)
    if (auto* task = std::get_if<Task>(&command)) task->done(nullptr);
}

void CommitLoop::refuse(std::vector<Command>& commands, Batch& batch, const Error& error) {
  std::vector<Event> events;
  batch.undo(error, events);
  for (auto& command : commands) {
    if (auto* task = std::get_if<Task>(&command)) task->done(&error);
    if (auto* sends = std::get_if<std::vector<Send>>(&command))
      for (auto& send : *sends) events.push_back(MessageRefused{send.origin, send.from, send.frame.message_id, error});
    if (auto* operation = std::get_if<Operation>(&command))
      events.push_back(MessageRefused{operation->origin, operation->from, operation->frame.message_id, error});
  }
  metrics_.refused.Increment(static_cast<double>(events.size()));
  if (!events.empty()) sink_.deliver(std::move(events), 0);
}

void CommitLoop::apply(Batch& batch, Command& command) {
  std::visit(Overloaded{
                 [&](std::vector<Send>& sends) {
                   for (auto& send : sends) apply_send(batch, send);
                 },
                 [&](Operation& operation) { apply_operation(batch, operation); },
                 [&](Mark& mark) { apply_mark(batch, mark); },
                 [&](TypingSignal& signal) {
                   if (!permissions_.may_send(signal.user, signal.conversation, false, batch.now_ms()))
                     batch.emit(Typing{signal.conversation, signal.user, signal.origin});
                 },
                 [&](Task& task) { apply_task(batch, task); },
             },
             command);
}

std::optional<Error> CommitLoop::complete_content(protocol::SendFrame& frame, UserId from,
                                                  std::vector<base::FileId>& files) {
  if (frame.file) {
    auto content = file_message_content(store_, frame.type, frame.file, frame.content, from);
    if (!content) return content.error();
    frame.content = std::move(content.value());
    files.push_back(frame.file);
  } else if (!frame.merged.empty()) {
    auto merged = merge_messages(store_, frame.merged, frame.content, from);
    if (!merged) return merged.error();
    frame.content = std::move(merged.value().content);
    files = std::move(merged.value().files);
  }
  return std::nullopt;
}

void CommitLoop::apply_send(Batch& batch, Send& send) {
  auto& frame = send.frame;
  const auto conversation =
      frame.group ? ConversationId::of(frame.group) : ConversationId::between(send.from, frame.to);
  if (auto error = permissions_.may_send(send.from, conversation, frame.mention_all, batch.now_ms())) {
    batch.emit(MessageRefused{send.origin, send.from, frame.message_id, std::move(*error)});
    return;
  }
  // Asked again, the answer is the same, whatever became of the file or the messages meanwhile.
  if (frame.file || !frame.merged.empty())
    if (const auto earlier = store_.messages().find_earlier(frame.message_id, send.from))
      return batch.emit(answer_again(*earlier, send.origin, send.from, frame.message_id));
  std::vector<base::FileId> files;
  if (auto error = complete_content(frame, send.from, files))
    return batch.emit(MessageRefused{send.origin, send.from, frame.message_id, std::move(*error)});
  Message message{frame.message_id, conversation, send.from, frame.type, 0, batch.now_ms(), std::move(frame.content)};
  auto mentions = frame.mentions;
  if (frame.mention_all) mentions.push_back(UserId{0});
  const auto appended = store_.messages().append(message, mentions);
  if (appended.status != store::AppendStatus::kStored)
    return batch.emit(answer_again(appended, send.origin, send.from, frame.message_id));
  ++batch_messages_;
  message.seq = appended.seq;
  for (const auto file : files) store_.files().add_place(file, {conversation, appended.seq});
  if (appended.seq == 1 && !conversation.is_group()) {
    store_.conversations().open(UserId{conversation.low}, conversation, 0);
    store_.conversations().open(UserId{conversation.high}, conversation, 0);
  }
  batch.emit(MessageStored{std::move(message), send.origin});
}

void CommitLoop::apply_operation(Batch& batch, Operation& operation) {
  const auto& [frame, from, origin] = operation;
  if (const auto earlier = store_.messages().find_earlier(frame.message_id, from))
    return batch.emit(answer_again(*earlier, origin, from, frame.message_id));
  auto entry = operations_.apply(batch, frame, from);
  if (!entry) return batch.emit(MessageRefused{origin, from, frame.message_id, entry.error()});
  ++batch_messages_;
  batch.emit(MessageStored{std::move(entry.value()), origin});
}

void CommitLoop::apply_mark(Batch& batch, const Mark& mark) {
  const auto conversation = mark.frame.conversation;
  // A mark of somebody who is not in the conversation has no row to move, hence no effect.
  if (!conversation.is_group() && !conversation.has(mark.user)) return;
  if (!store_.conversations().state(mark.user, conversation)) return;
  auto frame = mark.frame;
  frame.seq = std::min(frame.seq, store_.messages().tail(conversation).last_seq);
  const bool moved = frame.type == protocol::FrameType::kRead
                         ? store_.conversations().advance_read(mark.user, conversation, frame.seq)
                         : store_.conversations().advance_delivered(mark.user, conversation, frame.seq);
  if (moved) batch.emit(MarkMoved{frame, mark.user, mark.origin});
}

void CommitLoop::apply_task(Batch& batch, Task& task) {
  store_.mark();
  const auto events_before = batch.events().size();
  const auto undo = [&] {
    store_.undo_to_mark();
    permissions_.forget_all();
    batch.events().resize(events_before, Event(Typing{}));
  };
  if (!task.apply(batch)) undo();
}

void CommitLoop::publish_figures(const std::vector<Event>& events, std::int64_t started_us) {
  metrics_.commit_seconds.Observe(static_cast<double>(steady_us() - started_us) / 1e6);
  metrics_.unarchived.Set(static_cast<double>(store_.untidy()));
  if (batch_messages_ > 0) metrics_.commit_batch.Observe(static_cast<double>(batch_messages_));
  std::array<int, 40> by_type{};
  int refused = 0;
  for (const auto& event : events) {
    if (const auto* stored = std::get_if<MessageStored>(&event))
      ++by_type[std::min<std::size_t>(static_cast<std::size_t>(stored->message.type), by_type.size() - 1)];
    refused += std::holds_alternative<MessageRefused>(event);
  }
  for (std::size_t type = 0; type < by_type.size(); ++type)
    if (by_type[type] > 0) metrics_.messages(static_cast<int>(type)).Increment(by_type[type]);
  if (refused > 0) metrics_.refused.Increment(refused);
}

std::int64_t append_event(Batch& batch, base::IdMaker& ids, GroupId group, std::string content) {
  Message message{ids.message_id(), ConversationId::of(group), UserId{}, protocol::FrameType::kEvent, 0,
                  batch.now_ms(),   std::move(content)};
  const auto appended = batch.store().messages().append(message, {});
  message.seq = appended.seq;
  batch.emit(MessageStored{std::move(message), {}});
  return appended.seq;
}

}  // namespace simpleim::service
