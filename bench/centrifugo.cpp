#include "centrifugo.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "http_client.h"
#include "server_process.h"

namespace simpleim::bench {
namespace {

/// Lines of a frame, without empty ones.
template <class F>
void for_each_line(std::string_view frame, F&& line) {
  while (!frame.empty()) {
    const auto end = std::min(frame.find('\n'), frame.size());
    if (end > 0) line(frame.substr(0, end));
    frame.remove_prefix(std::min(end + 1, frame.size()));
  }
}

}  // namespace

CentrifugoProcess::CentrifugoProcess(const std::string& binary, const std::string& data_root) {
  dir_ = data_root + "/centrifugo-bench-XXXXXX";
  if (::mkdtemp(dir_.data()) == nullptr) throw std::runtime_error("cannot make a folder in " + data_root);
  port_ = free_port();
  std::ofstream(dir_ + "/config.json")
      << R"({"engine":{"type":"memory"},"client":{"insecure":true,"allowed_origins":["*"]},)"
      << R"("health":{"enabled":true},"log":{"level":"error"},)"
      << R"("http_server":{"address":"127.0.0.1","port":)" << '"' << port_ << R"("}})";
  const auto config = dir_ + "/config.json";
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = ::open((dir_ + "/log").c_str(), O_CREAT | O_WRONLY, 0600);
    ::dup2(log, 1);
    ::dup2(log, 2);
    ::execl(binary.c_str(), binary.c_str(), "--config", config.c_str(), nullptr);
    ::_exit(127);
  }
  const auto start = now_ns();
  for (;;) try {
      (void)HttpClient(port_).request("GET", "/health");
      return;
    } catch (const std::runtime_error&) {
      if (seconds_since(start) > 10 || ::waitpid(pid_, nullptr, WNOHANG) != 0)
        throw std::runtime_error("centrifugo did not start: " + binary + ", see " + dir_ + "/log");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

CentrifugoProcess::~CentrifugoProcess() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

double CentrifugoProcess::cpu_seconds() const { return cpu_seconds_of(pid_); }

CentrifugoClients::CentrifugoClients(unsigned short port, const std::vector<std::string>& listens_to,
                                     std::vector<std::string> publishes_to)
    : clients_(listens_to.size()), publishes_to_(std::move(publishes_to)) {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].index = i;
    clients_[i].open_target(port, "/connection/websocket");
    poller_.add(clients_[i]);
  }
  std::vector<bool> asked(clients_.size());
  const auto start = now_ns();
  while (ready_ < clients_.size()) {
    if (seconds_since(start) > 30) throw std::runtime_error("centrifugo does not let all clients subscribe");
    poller_.wait(100, [&](ChatClient& client) {
      client.read([&](int, std::string_view frame) {
        for_each_line(frame, [&](std::string_view json) { receive_one(client, json); });
      });
      // What came before its answer to the upgrade it would refuse.
      if (client.upgraded && !asked[client.index]) {
        asked[client.index] = true;
        client.queue_frame(R"({"id":1,"connect":{}})");
        client.queue_frame(R"({"id":2,"subscribe":{"channel":")" + listens_to[client.index] + R"("}})");
      }
      client.flush();
    });
  }
}

void CentrifugoClients::publish(ChatClient& client) {
  stamp_text(text_);
  client.queue_frame(R"({"id":3,"publish":{"channel":")" + publishes_to_[client.index] + R"(","data":{"text":")" +
                     text_ + R"("}}})");
  ++client.in_flight;
}

void CentrifugoClients::receive_one(ChatClient& client, std::string_view json) {
  if (json == "{}") return client.queue_frame("{}");  // its ping
  if (json.starts_with(R"({"push")")) {
    if ((++meter.delivered & 63) == 0) latencies.add(now_ns() - stamp_of(json));
    return;
  }
  if (json.find(R"("error":)") != std::string_view::npos)
    throw std::runtime_error("centrifugo refused: " + std::string(json.substr(0, 200)));
  if (json.starts_with(R"({"id":2)")) ++ready_;
  if (!json.starts_with(R"({"id":3)")) return;
  ++meter.acked;
  --client.in_flight;
  publish(client);
}

void CentrifugoClients::run(std::size_t window, double seconds) {
  for (auto& client : clients_) {
    if (publishes_to_[client.index].empty()) continue;
    while (client.in_flight < window) publish(client);
    client.flush();
  }
  const auto start = now_ns();
  while (seconds_since(start) < seconds)
    poller_.wait(100, [&](ChatClient& client) {
      const bool open = client.read([&](int, std::string_view frame) {
        for_each_line(frame, [&](std::string_view json) { receive_one(client, json); });
      });
      if (!open) throw std::runtime_error("centrifugo closed a connection");
      client.flush();
    });
}

}  // namespace simpleim::bench
