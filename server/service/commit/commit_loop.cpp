#include "service/commit/commit_loop.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "service/events/changes.h"
#include "service/messages/file_access.h"
#include "service/messages/merged_forward.h"

namespace simpleim::service {
namespace {

using namespace std::chrono_literals;

/// A batch at least this large means that more is on its way: the next one waits a little for it.
constexpr std::size_t kBusyBatch = 48;
/// The same for a store that is a server of its own: a commit there costs several round trips, and the other nodes wait
/// for its locks.
constexpr std::size_t kBusyBatchFar = 12;
/// A batch this large is worth its commit; nothing is gained by waiting longer.
constexpr std::size_t kFullBatch = 768;
/// How long a batch is tried that other nodes are in the way of.
constexpr std::int64_t kTryForMs = 1000;
constexpr std::int64_t kTidyEveryMs = 1000;
constexpr std::int64_t kLogEveryMs = 1000;
/// Quiet for this long: time to tidy.
constexpr auto kIdle = 500ms;

std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

ConversationId conversation_of(const Send& send) {
  const auto& frame = send.frame;
  return frame.group ? ConversationId::of(frame.group) : ConversationId::between(send.from, frame.to);
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
      permissions_(store),
      commit_log_(store.commit_log()) {
  thread_ = std::thread([this] { work(); });
}

CommitLoop::~CommitLoop() { stop(); }

bool CommitLoop::enqueue(Command command, std::size_t weight) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queued_ + weight > options_.max_queue) return false;
    wake = queue_.empty() || queued_ + weight >= kFullBatch;
    queue_.push_back(std::move(command));
    queued_at_ms_.push_back(clock_.steady_ms());
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
  if (last_batch_ >= (commit_log_ == nullptr ? kBusyBatch : kBusyBatchFar) && !stopping_ && options_.delay_us > 0)
    ready_.wait_for(lock, std::chrono::microseconds(options_.delay_us),
                    [this] { return stopping_ || queued_ >= kFullBatch; });

  std::vector<Command> taken;
  if (!queued_at_ms_.empty()) batch_oldest_ms_ = queued_at_ms_.front();
  if (queued_ <= kMaxBatch) {
    taken.swap(queue_);
    queued_at_ms_.clear();
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
    queued_at_ms_.erase(queued_at_ms_.begin(), queued_at_ms_.begin() + static_cast<std::ptrdiff_t>(n));
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
      if (commit_log_ == nullptr) commit(commands);
      else commit_one_by_one(commands);
      // A store that all nodes share has work that cannot wait for a quiet moment of one of them.
      if (commit_log_ != nullptr && clock_.steady_ms() - tidied_ms_ >= kTidyEveryMs) tidy();
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
  tidied_ms_ = clock_.steady_ms();
  try {
    for (;;) {
      tidy_pending_ = store_.tidy();
      metrics_.unarchived.Set(static_cast<double>(store_.untidy()));
      const std::lock_guard lock(mutex_);
      if (!tidy_pending_ || stopping_ || !queue_.empty()) return;
    }
  } catch (const store::StoreError& e) {
    log_failure(e.what());
  }
}

void CommitLoop::log_failure(const char* what) {
  ++failures_;
  const auto now = clock_.steady_ms();
  if (failure_logged_ms_ != 0 && now - failure_logged_ms_ < kLogEveryMs) return;
  base::log::error("the store refused what it was given", {{"what", what}, {"times", failures_}});
  failure_logged_ms_ = now;
  failures_ = 0;
}

void CommitLoop::commit_one_by_one(std::span<Command> commands) {
  const auto is_task = [](const Command& command) { return std::holds_alternative<Task>(command); };
  while (!commands.empty()) {
    const auto task = std::find_if(commands.begin(), commands.end(), is_task);
    const auto size = std::max<std::ptrdiff_t>(1, task - commands.begin());
    commit(commands.first(static_cast<std::size_t>(size)));
    commands = commands.subspan(static_cast<std::size_t>(size));
  }
}

void CommitLoop::commit(std::span<Command> commands) {
  const auto give_up_ms = clock_.steady_ms() + kTryForMs;
  for (;;) {
    std::vector<Event> instead;
    const auto failed = try_commit(commands, instead);
    if (!failed) return;
    if (failed->is_conflict() && clock_.steady_ms() < give_up_ms) {
      metrics_.commits_retried.Increment();
      continue;
    }
    metrics_.commits_failed.Increment();
    log_failure(failed->what());
    last_batch_ = 0;
    return refuse(commands, std::move(instead), failed->as_error());
  }
}

std::optional<store::StoreError> CommitLoop::try_commit(std::span<Command> commands, std::vector<Event>& instead) {
  const auto started_us = steady_us();
  batch_messages_ = 0;
  Batch batch(store_, permissions_, clock_.now_ms());
  permissions_.mark();  // so that what is noted for a task does not grow with what is not one
  try {
    store_.begin();
    try {
      if (commit_log_ != nullptr) claim(commands);
      for (auto& command : commands) apply(batch, command);
      if (commit_log_ != nullptr)
        if (const auto changes = encode_changes(batch.events()); !changes.empty()) commit_log_->append(changes);
    } catch (...) {
      store_.rollback();
      throw;
    }
    store_.commit();
  } catch (const std::exception& e) {
    permissions_.forget_all();
    const auto* store_error = dynamic_cast<const store::StoreError*>(&e);
    auto failed = store_error != nullptr ? *store_error : store::StoreError(ErrorCode::kInternal, e.what());
    batch.undo(failed.as_error(), instead);
    return failed;
  }
  tidy_pending_ = true;
  last_batch_ = batch_messages_;
  publish_figures(batch.events(), started_us);
  sink_.deliver(std::move(batch.events()), batch_messages_ > 0 ? batch_oldest_ms_ : 0);
  for (auto& command : commands)
    if (auto* task = std::get_if<Task>(&command)) task->done(nullptr);
  return std::nullopt;
}

/// One claim for all, so that the locks of all nodes' batches are taken in one order.
void CommitLoop::claim(std::span<const Command> commands) {
  store::Store::Claim claim;
  for (const auto& command : commands) {
    if (const auto* sends = std::get_if<std::vector<Send>>(&command))
      for (const auto& send : *sends) {
        claim.conversations.push_back(conversation_of(send));
        claim.messages.push_back(send.frame.message_id);
      }
    if (const auto* operation = std::get_if<Operation>(&command)) {
      claim.targets.push_back(operation->frame.target);
      claim.messages.push_back(operation->frame.message_id);
    }
    if (const auto* mark = std::get_if<Mark>(&command)) claim.marks.emplace_back(mark->user, mark->frame.conversation);
  }
  for (const auto changed : store_.claim(claim)) permissions_.forget(changed);
}

void CommitLoop::refuse(std::span<Command> commands, std::vector<Event>&& instead, const Error& error) {
  auto events = std::move(instead);
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
    auto content = file_message_content(store_, frame.type, frame.file, frame.content, from, options_.public_path);
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
  const auto conversation = conversation_of(send);
  // A batch that may be tried again keeps what it was given.
  std::optional<protocol::SendFrame> kept;
  auto& frame = commit_log_ == nullptr ? send.frame : kept.emplace(send.frame);
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
  message.timestamp = appended.timestamp;
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
  permissions_.mark();
  const auto events_before = batch.events().size();
  const auto undo = [&] {
    store_.undo_to_mark();
    permissions_.undo_to_mark();
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
  message.timestamp = appended.timestamp;
  batch.emit(MessageStored{std::move(message), {}});
  return appended.seq;
}

}  // namespace simpleim::service
