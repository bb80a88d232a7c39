#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <array>

#include "chat_client.h"

namespace simpleim::bench {

/// Waits for many clients at once.
class Poller {
 public:
  Poller() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Poller() { ::close(fd_); }
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void add(ChatClient& client) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    ::epoll_ctl(fd_, EPOLL_CTL_ADD, client.fd(), &event);
  }

  template <class F>
  void wait(int timeout_ms, F&& ready) {
    std::array<epoll_event, 256> events;
    const int n = ::epoll_wait(fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
    for (int i = 0; i < n; ++i) ready(*static_cast<ChatClient*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

 private:
  const int fd_;
};

/// Latencies, for percentiles.
class Latencies {
 public:
  void add(std::uint64_t ns) { values_.push_back(static_cast<double>(ns) / 1e6); }
  /// Milliseconds; 0 without samples.
  double percentile(double p);

 private:
  std::vector<double> values_;
};

}  // namespace simpleim::bench
