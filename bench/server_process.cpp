#include "server_process.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "http_client.h"

namespace simpleim::bench {

unsigned short free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

ServerProcess::ServerProcess(std::string binary, std::string data_root, std::vector<std::string> settings)
    : binary_(std::move(binary)), settings_(std::move(settings)) {
  std::string pattern = data_root + "/simpleim-bench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder in " + data_root);
  data_dir_ = pattern;
  port_ = free_port();
  admin_port_ = free_port();
  start();
}

ServerProcess::~ServerProcess() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(data_dir_, ignored);
}

void ServerProcess::start() {
  std::vector<std::string> arguments{binary_,          "serve",
                                     "--data-dir",     data_dir_,
                                     "--listen",       "127.0.0.1:" + std::to_string(port_),
                                     "--admin-listen", "127.0.0.1:" + std::to_string(admin_port_),
                                     "--log-level",    "warn"};
  for (const char* setting :
       {"auth.argon2_memory_kib=64", "auth.argon2_iterations=1", "limits.logins_per_minute=0",
        "limits.registrations_per_minute=0", "limits.messages_per_second=0", "server.drain_seconds=0"})
    arguments.insert(arguments.end(), {"--set", setting});
  for (const auto& setting : settings_) arguments.insert(arguments.end(), {"--set", setting});
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const auto started = std::chrono::steady_clock::now();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  for (;;) {
    try {
      (void)HttpClient(port_).request("GET", "/health");
      break;
    } catch (const std::runtime_error&) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) throw std::runtime_error("the server did not start: " + binary_);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  start_ms_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
}

void ServerProcess::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void ServerProcess::restart() {
  stop();
  start();
}

double ServerProcess::cpu_seconds() const { return cpu_seconds_of(pid_); }

double cpu_seconds_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double ServerProcess::metric(const std::string& name) const {
  std::istringstream lines(HttpClient(admin_port_).request("GET", "/metrics"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + " ")) return std::stod(line.substr(name.size() + 1));
  return 0;
}

double ServerProcess::rss_kib() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6));
  return 0;
}

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace simpleim::bench
