#pragma once

#include <string>

#include "servers/server_process.h"
#include "store/mysql/options.h"
#include "support.h"

namespace simpleim::test {

/// A real mariadbd with a free port and a folder of its own, ended with the object.
class MariaDbServer {
 public:
  MariaDbServer();

  /// The one all contract tests share; they differ by database.
  static MariaDbServer& shared();
  /// Options with a database that nobody has had.
  store::mysql::MysqlOptions options();
  void kill() { process_.kill(); }
  /// After kill(): on the same port, with what was durable.
  void start();
  void freeze() { process_.freeze(); }
  void thaw() { process_.thaw(); }
  /// Runs a statement as root.
  void execute(const std::string& sql) const;

 private:
  bool answers() const;

  TempDir dir_;
  int port_ = 0;
  ServerProcess process_;
};

}  // namespace simpleim::test
