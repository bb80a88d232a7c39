#include "composition/threads.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

namespace simpleim {
namespace {

/// Requests that may wait for a worker: enough for 10,000 clients that come back at once.
constexpr std::size_t kRequestsQueue = 65536;
/// Requests yield the processor to messages: ten thousand clients that come back at once must not
/// delay those who are there.
constexpr int kRequestsNice = 4;
/// Sign-ins that may wait for a hash; at a fifth of a second each nobody would wait for more.
constexpr std::size_t kHashingQueue = 256;
constexpr int kHashingNice = 10;
/// Pieces of files and requests about them.
constexpr std::size_t kFilesQueue = 4096;
constexpr int kFilesNice = 6;
/// Uploads that wait to be looked at; each is on the disk already.
constexpr std::size_t kPicturesQueue = 4096;
constexpr int kPicturesNice = 12;
constexpr std::size_t kPicturesOfOne = 64;

std::size_t io_threads(const base::Config& config) {
  return config.server.threads > 0 ? static_cast<std::size_t>(config.server.threads)
                                   : std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

}  // namespace

Threads::Threads(const base::Config& config)
    : requests({"worker", static_cast<std::size_t>(config.store.readers), kRequestsQueue, kRequestsNice}),
      hashing({"hashing", static_cast<std::size_t>(config.auth.hashing_threads), kHashingQueue, kHashingNice}),
      files({"files", static_cast<std::size_t>(config.files.threads), kFilesQueue, kFilesNice}),
      pictures({"pictures", 1, kPicturesQueue, kPicturesNice, kPicturesOfOne}) {
  for (std::size_t i = 0; i < io_threads(config); ++i) {
    io.push_back(std::make_unique<net::IoThread>(i));
    io_list.push_back(io.back().get());
  }
}

void Threads::start() {
  for (auto& thread : io) thread->start();
}

void Threads::stop_io() {
  for (auto& thread : io) thread->stop();
}

void Threads::stop_workers() {
  hashing.stop();
  requests.stop();
  files.stop();
  pictures.stop();
}

void Threads::flush() {
  for (auto& thread : io) {
    std::promise<void> done;
    thread->post([&done] { done.set_value(); });
    done.get_future().wait_for(std::chrono::seconds(2));
  }
}

std::size_t Threads::open_sockets() const {
  std::size_t sockets = 0;
  for (const auto& thread : io) sockets += thread->open_sockets();
  return sockets;
}

}  // namespace simpleim
