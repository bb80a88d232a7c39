#include "net/io_thread.h"

#include <pthread.h>

#include <algorithm>

#include "base/log.h"
#include "net/permessage_deflate.h"
#include "net/websocket.h"

namespace simpleim::net {

IoThread::IoThread(std::size_t index)
    : index_(index),
      work_(asio::make_work_guard(context_)),
      ticker_(context_),
      receive_(kReceiveBytes + kReadPadding) {}

IoThread::~IoThread() { stop(); }

void IoThread::start() {
  tick();
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("io-" + std::to_string(index_)).c_str());
    for (;;) {
      try {
        context_.run();
        return;
      } catch (const std::exception& e) {
        report(e);
      }
    }
  });
}

/// A handler that fails, for want of memory above all, must neither end nor mute everybody else's connections.
void IoThread::report(const std::exception& e) { base::log::error("an I/O handler threw", {{"what", e.what()}}); }

void IoThread::stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void IoThread::tick() {
  ticker_.expires_after(std::chrono::milliseconds(TimerWheel::kTickMs));
  ticker_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    tick();
    timers_.advance();
    flush_dirty();
  });
}

void IoThread::defer(std::function<void()> work) {
  deferred_.push_back(std::move(work));
  if (deferred_.size() == 1) post([this] { run_deferred(); });
}

void IoThread::run_deferred() {
  for (std::size_t i = 0; i < kDeferredAtOnce && !deferred_.empty(); ++i) {
    const auto work = std::move(deferred_.front());
    deferred_.pop_front();
    try {
      work();
    } catch (const std::exception& e) {
      report(e);
    }
  }
  flush_dirty();
  if (!deferred_.empty()) post([this] { run_deferred(); });
}

MessageDeflate& IoThread::deflate() {
  if (!deflate_) deflate_ = std::make_unique<MessageDeflate>();
  return *deflate_;
}

char* IoThread::scratch(std::size_t bytes) {
  if (bytes > kScratchBlock) return large_.emplace_back(std::make_unique_for_overwrite<char[]>(bytes)).get();
  if (blocks_.empty() || block_used_ + bytes > kScratchBlock) {
    if (!blocks_.empty()) ++block_;
    if (block_ == blocks_.size()) blocks_.push_back(std::make_unique_for_overwrite<char[]>(kScratchBlock));
    block_used_ = 0;
  }
  char* at = blocks_[block_].get() + block_used_;
  block_used_ += bytes;
  return at;
}

void IoThread::forget_dirty(const WebSocket& socket) {
  std::replace(dirty_.begin(), dirty_.end(), const_cast<WebSocket*>(&socket), static_cast<WebSocket*>(nullptr));
  std::replace(flushing_.begin(), flushing_.end(), const_cast<WebSocket*>(&socket), static_cast<WebSocket*>(nullptr));
}

void IoThread::flush_dirty() {
  if (!flushing_.empty()) return;  // a flush that closes a socket leads here again
  while (!dirty_.empty()) {
    flushing_.swap(dirty_);
    for (std::size_t i = 0; i < flushing_.size(); ++i) {
      if (flushing_[i] == nullptr) continue;
      try {
        flushing_[i]->flush();
      } catch (const std::exception& e) {
        report(e);
        if (flushing_[i] != nullptr) flushing_[i]->abandon();
      }
    }
    flushing_.clear();
  }
  block_ = 0;
  block_used_ = 0;
  large_.clear();
  if (blocks_.size() > kScratchBlocksKept) blocks_.resize(kScratchBlocksKept);
}

std::unique_ptr<Chunks> IoThread::take_chunks() {
  if (free_chunks_.empty()) return std::make_unique<Chunks>();
  auto chunks = std::move(free_chunks_.back());
  free_chunks_.pop_back();
  return chunks;
}

void IoThread::give_back(std::unique_ptr<Chunks> chunks) {
  constexpr std::size_t kKept = 1024;
  if (free_chunks_.size() >= kKept) return;
  chunks->clear();
  free_chunks_.push_back(std::move(chunks));
}

}  // namespace simpleim::net
