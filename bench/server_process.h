#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace simpleim::bench {

/// A fresh server of the benchmark's own, with an empty folder on disk, and what it costs.
class ServerProcess {
 public:
  /// `binary serve`, limits off and cheap password hashes, `settings` as KEY=VALUE on top.
  ServerProcess(std::string binary, std::string data_root, std::vector<std::string> settings);
  ~ServerProcess();

  void start();
  /// SIGTERM, and start() again on the same folder.
  void restart();
  void stop();

  unsigned short port() const { return port_; }
  /// User and system time so far, seconds.
  double cpu_seconds() const;
  double rss_kib() const;
  /// A figure of /metrics by its name.
  double metric(const std::string& name) const;
  /// From the start of the process to the first answered request, ms.
  double start_ms() const { return start_ms_; }

 private:
  const std::string binary_;
  const std::vector<std::string> settings_;
  std::string data_dir_;
  unsigned short port_ = 0;
  unsigned short admin_port_ = 0;
  pid_t pid_ = -1;
  double start_ms_ = 0;
};

/// A port of 127.0.0.1 that nobody has.
unsigned short free_port();
/// User and system time of a process so far, seconds.
double cpu_seconds_of(pid_t pid);
/// Processor time of this process, seconds.
double own_cpu_seconds();

}  // namespace simpleim::bench
