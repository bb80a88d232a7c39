#include "servers/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

extern char** environ;

namespace simpleim::test {
namespace {

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

RedisServer::RedisServer() : port_(free_port()) { start(); }

RedisServer::~RedisServer() {
  if (pid_ != 0) kill();
}

RedisServer& RedisServer::shared() {
  static RedisServer server;
  return server;
}

cluster::redis::RedisOptions RedisServer::options() const {
  static std::atomic<int> counter{0};
  cluster::redis::RedisOptions options;
  options.port = port_;
  options.prefix = "test" + std::to_string(++counter) + ":";
  return options;
}

bool RedisServer::answers() const {
  try {
    command({"PING"});
    return true;
  } catch (const cluster::redis::RedisError&) {
    return false;
  }
}

void RedisServer::command(const std::vector<std::string_view>& command) const {
  cluster::redis::RedisOptions options;
  options.port = port_;
  cluster::redis::Connection connection(options);
  connection.append(command);
  connection.answer();
}

void RedisServer::start() {
  std::string port = std::to_string(port_);
  std::string folder = dir_.file("");
  // However this process ends, the server ends with it.
  std::vector<std::string> words{"setpriv",   "--pdeathsig", "KILL", "redis-server", "--port", port,           "--bind",
                                 "127.0.0.1", "--dir",       folder, "--save",       "",       "--appendonly", "no"};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, dir_.file("log").c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  const int failed = ::posix_spawnp(&pid_, "setpriv", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("redis-server cannot be started (Debian: redis-server)");
  if (!wait_until([this] { return answers(); })) throw std::runtime_error("redis-server does not answer");
}

void RedisServer::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void RedisServer::freeze() { ::kill(pid_, SIGSTOP); }

void RedisServer::thaw() { ::kill(pid_, SIGCONT); }

}  // namespace simpleim::test
