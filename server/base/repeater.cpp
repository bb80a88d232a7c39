#include "base/repeater.h"

#include <pthread.h>

#include "base/log.h"

namespace simpleim::base {

Repeater::Repeater(std::string name, std::chrono::seconds every, std::function<void()> turn) {
  thread_ = std::thread([this, name = std::move(name), every, turn = std::move(turn)] {
    pthread_setname_np(pthread_self(), name.c_str());
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, every, [this] { return stopping_; })) {
      lock.unlock();
      try {
        turn();
      } catch (const std::exception& e) {
        log::warn("a turn failed and comes again", {{"of", name}, {"what", e.what()}});
      }
      lock.lock();
    }
  });
}

Repeater::~Repeater() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

}  // namespace simpleim::base
