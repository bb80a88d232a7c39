#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace simpleim::base {

/// Does something from time to time on a thread of its own, first after one interval. The destructor waits for a turn
/// that is under way.
class Repeater {
 public:
  Repeater(std::string name, std::chrono::seconds every, std::function<void()> turn);
  ~Repeater();
  Repeater(const Repeater&) = delete;
  Repeater& operator=(const Repeater&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace simpleim::base
