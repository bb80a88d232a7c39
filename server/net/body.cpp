#include "net/body.h"

#include "base/log.h"
#include "base/worker_pool.h"
#include "net/http.h"
#include "net/io_thread.h"

namespace simpleim::net {

constexpr int kInternalError = 500;

BodyPump::BodyPump(IoThread& thread, base::WorkerPool& pool, base::WorkerPool& slow, std::unique_ptr<BodySink> sink,
                   Events events)
    : thread_(thread), pool_(pool), slow_(slow), sink_(std::move(sink)), events_(std::move(events)) {}

std::span<char> BodyPump::room(std::size_t bytes) {
  const auto used = filling_.size();
  filling_.resize(used + bytes);
  return {filling_.data() + used, bytes};
}

void BodyPump::take_back(std::size_t bytes) { filling_.resize(filling_.size() - bytes); }

void BodyPump::push() {
  if (at_work_ || answered_ || (filling_.size() < kPiece && !ended_)) return;
  if (!filling_.empty()) {
    writing_.swap(filling_);
    filling_.clear();
    return submit([this] { return sink_->write(writing_); }, false);
  }
  submit([this] { return std::optional(sink_->finish()); }, true);
}

void BodyPump::end() {
  ended_ = true;
  push();
}

void BodyPump::abandon() {
  answered_ = true;
  events_ = {};
  if (!at_work_) drop_sink();
}

/// What a sink holds is given back where it may block.
void BodyPump::drop_sink() {
  if (!sink_) return;
  (void)pool_.submit([sink = std::shared_ptr<BodySink>(std::move(sink_)), rest = std::move(filling_)] {
    try {
      if (!rest.empty() && sink->keeps_what_came()) (void)sink->write(rest);
    } catch (const std::exception& e) {
      base::log::error("the last part of an upload was not kept", {{"what", e.what()}});
    }
  });
}

void BodyPump::submit(std::function<std::optional<Response>()> step, bool last) {
  at_work_ = true;
  auto task = [self = shared_from_this(), step = std::move(step), last] {
    std::optional<Response> response;
    try {
      response = step();
    } catch (const std::exception& e) {
      base::log::error("an upload failed", {{"what", e.what()}});
      response.emplace().status = kInternalError;
    }
    if (response || last) self->sink_.reset();
    self->thread_.post([self, response = std::move(response)]() mutable { self->returned(std::move(response)); });
  };
  const bool slowly = last && sink_->finishes_slowly();
  if (slowly ? slow_.submit(std::move(task), sink_->owner()) : pool_.submit(std::move(task))) return;
  answered_ = true;
  sink_.reset();
  if (events_.busy) std::exchange(events_, {}).busy();
}

void BodyPump::returned(std::optional<Response> response) {
  at_work_ = false;
  if (answered_) return drop_sink();
  if (response) {
    answered_ = true;
    if (auto answered = std::exchange(events_, {}).answered) answered(std::move(*response));
    return;
  }
  const bool was_full = filling_.size() >= kPiece;
  push();
  if (const auto ready = events_.ready; was_full && ready) ready();
}

}  // namespace simpleim::net
