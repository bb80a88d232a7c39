#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace simpleim::test {

/// A port of 127.0.0.1 that nobody listens on now.
int free_port();

/// A server program, ended with the object (and with this process, however that ends).
class ServerProcess {
 public:
  ServerProcess() = default;
  ~ServerProcess() { kill(); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// `words`: the program and its arguments; what it prints goes behind the file `log`.
  void start(std::vector<std::string> words, const std::string& log);
  bool is_running();
  /// Signals and waits until it is gone.
  void kill();
  void freeze();
  void thaw();

 private:
  pid_t pid_ = 0;
};

}  // namespace simpleim::test
