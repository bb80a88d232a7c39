/// Run under ThreadSanitizer: real I/O threads, real sockets, all parts of the server together.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

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
  // What is told of a user is told in the order in which it happened: the last word is what is so.
  std::map<base::UserId, bool> online;
  directory.on_presence([&](base::UserId user, bool now) {
    EXPECT_NE(online[user], now);
    online[user] = now;
  });
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 500; ++i) {
        const gateway::Origin origin{t, (std::uint64_t{t} + 1) << 32 | i};
        (void)directory.add(base::UserId{i % 7 + 1}, {origin, std::to_string(t), {}});
        directory.remove(base::UserId{i % 7 + 1}, origin);
      }
    });
  for (auto& thread : threads) thread.join();
  for (const auto& [user, now] : online) EXPECT_FALSE(now) << user.str();
  EXPECT_EQ(directory.users(), 0u);
  EXPECT_EQ(directory.connections(), 0u);
}

namespace {

net::Response plain_error(int status, std::string_view text) {
  net::Response response;
  response.status = status;
  response.body = text;
  return response;
}

/// A client's end of a connection.
class Plug {
 public:
  explicit Plug(unsigned short port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Plug() { close(); }
  void send(const std::string& text) const {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  std::string receive() const {
    std::array<char, 4096> buffer;
    const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

}  // namespace

TEST(ListenerUnderThreads, ServesManyConnectionsOnSeveralThreads) {
  base::WorkerPool workers({"worker", 2, 1000, 0});
  net::Router router;
  router.errors(plain_error);
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
        const Plug plug(listener.port());
        plug.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_NE(plug.receive(), "");
      }
    });
  for (auto& client : clients) client.join();
  EXPECT_EQ(handled, 100);
  one.stop();
  two.stop();
}

TEST(UpgradeUnderThreads, WhoWaitsTooLongIsRefusedAndWhoLeavesIsNoticed) {
  base::WorkerPool workers({"worker", 1, 1000, 0});
  net::Router router;
  router.errors(plain_error);
  std::mutex mutex;
  std::vector<net::UpgradeReply> waiting;
  router.websocket("/ws", [&](const net::Request&, net::UpgradeReply reply) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(reply));
  });
  const auto wanted = [&] {
    const std::lock_guard lock(mutex);
    return std::count_if(waiting.begin(), waiting.end(), [](const auto& reply) { return reply.is_wanted(); });
  };
  net::HttpContext context;
  context.router = &router;
  context.workers = context.hashing = &workers;
  context.upgrade_timeout_ms = 1000;
  context.websocket.max_message = 1 << 20;
  context.websocket.ping_ms = 30'000;
  context.websocket.silence_ms = 60'000;
  net::IoThread thread(0);
  net::Listener listener({&thread}, "127.0.0.1:0", context, nullptr);
  listener.start();
  thread.start();
  const std::string request =
      "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  const Plug patient(listener.port());
  Plug hasty(listener.port());
  for (const auto* plug : {&patient, static_cast<const Plug*>(&hasty)}) plug->send(request);
  hasty.send("a frame that comes too early");
  EXPECT_TRUE(wait_until([&] { return wanted() == 2; }));
  hasty.close();
  EXPECT_TRUE(wait_until([&] { return wanted() == 1; })) << "the end of the connection is seen while it waits";
  const auto answer = patient.receive();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_NE(answer.find("Retry-After: 1\r\n"), std::string::npos) << answer;
  EXPECT_EQ(wanted(), 0);
  for (const auto& reply : waiting) reply(net::Upgrade{});  // too late: nobody is there any more
  thread.stop();
}

}  // namespace simpleim::test
