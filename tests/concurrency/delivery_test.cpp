/// Run under ThreadSanitizer: real I/O threads, real sockets, all parts of the server together.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/worker_pool.h"
#include "gateway/admission_gate.h"
#include "gateway/directory.h"
#include "net/listener.h"
#include "support.h"

namespace simpleim::test {

TEST(WorkerPoolUnderThreads, RunsEverythingItAcceptedAndRefusesTheRest) {
  std::atomic<int> ran = 0;
  int accepted = 0;
  {
    base::WorkerPool pool({"test", 4, 100, 0});
    for (int i = 0; i < 10'000; ++i) accepted += pool.submit([&] { ++ran; });
  }
  EXPECT_EQ(ran, accepted);
}

TEST(AdmissionGateUnderThreads, LetsEveryoneInButNotTooManyAtOnce) {
  gateway::AdmissionGate gate(3, 2000);
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i)
        EXPECT_TRUE(gate.enter([&](const gateway::AdmissionGate::Turn&) {
          const int now = ++inside;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          --inside;
          ++served;
        }));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(served, 2000);
  EXPECT_LE(most, 3);
}

TEST(DirectoryUnderThreads, CountsWhoIsThere) {
  gateway::Directory directory({false, 8});
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 500; ++i) {
        const gateway::Origin origin{t, (std::uint64_t{t} + 1) << 32 | i};
        (void)directory.add(base::UserId{i % 7 + 1}, {origin, std::to_string(t), {}});
        (void)directory.remove(base::UserId{i % 7 + 1}, origin);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(directory.users(), 0u);
  EXPECT_EQ(directory.connections(), 0u);
}

TEST(ListenerUnderThreads, ServesManyConnectionsOnSeveralThreads) {
  base::WorkerPool workers({"worker", 2, 1000, 0});
  net::Router router;
  router.errors([](int status, std::string_view text) {
    net::Response response;
    response.status = status;
    response.body = text;
    return response;
  });
  std::atomic<int> handled = 0;
  router.add("GET", "/x", net::Lane::kWorker, [&](const net::Request&) {
    ++handled;
    return net::Response();
  });
  net::HttpContext context;
  context.router = &router;
  context.workers = context.hashing = &workers;
  net::IoThread one(0);
  net::IoThread two(1);
  net::Listener listener({&one, &two}, "127.0.0.1:0", context, nullptr);
  listener.start();
  one.start();
  two.start();
  std::vector<std::thread> clients;
  for (int t = 0; t < 4; ++t)
    clients.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(listener.port());
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
        ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        const std::string request = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
        ASSERT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
        char buffer[256];
        EXPECT_GT(::recv(fd, buffer, sizeof buffer, 0), 0);
        ::close(fd);
      }
    });
  for (auto& client : clients) client.join();
  EXPECT_EQ(handled, 100);
  one.stop();
  two.stop();
}

}  // namespace simpleim::test
