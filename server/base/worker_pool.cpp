#include "base/worker_pool.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <exception>

#include "base/log.h"

namespace simpleim::base {
namespace {

/// struct sched_attr of sched_setattr(2), which the C library neither declares nor calls.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t slice_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};

/// A nice value gives way by shares only: who wakes meanwhile still waits until the slice is used up, up to a tick of
/// 4 ms. A kernel with slices of one's own (6.12) lets a thread with a shorter one in at once, so this one takes the
/// longest (sched(7), sched_setattr(2)). A refusal only costs fairness, so it is not an error.
void stand_back(int nice) {
  SchedulingAttributes attributes;
  attributes.policy = SCHED_BATCH;  // never puts another off by waking
  attributes.nice = nice;
  attributes.slice_ns = 100'000'000;
  (void)::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

WorkerPool::WorkerPool(Options options) : options_(std::move(options)) {
  threads_.reserve(options_.threads);
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::submit(std::function<void()> task, std::uint64_t owner) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queued_ >= options_.max_queue) return false;
    auto& mine = tasks_[owner];
    if (options_.max_of_owner != 0 && mine.size() >= options_.max_of_owner) return false;
    if (mine.empty()) turns_.push_back(owner);
    mine.push_back(std::move(task));
    ++queued_;
  }
  ready_.notify_one();
  return true;
}

std::size_t WorkerPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queued_;
}

void WorkerPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

void WorkerPool::work() {
  pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
  if (options_.nice != 0) stand_back(options_.nice);
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [this] { return stopping_ || queued_ > 0; });
    if (queued_ == 0) return;
    const auto owner = turns_.front();
    turns_.pop_front();
    const auto mine = tasks_.find(owner);
    auto task = std::move(mine->second.front());
    mine->second.pop_front();
    --queued_;
    if (!mine->second.empty()) turns_.push_back(owner);
    else if (owner != 0) tasks_.erase(mine);  // most pools have the one owner, whose queue stays
    lock.unlock();
    try {
      task();
    } catch (const std::exception& e) {
      log::error("a task failed", {{"pool", options_.name}, {"what", e.what()}});
    }
    task = nullptr;
    lock.lock();
  }
}

}  // namespace simpleim::base
