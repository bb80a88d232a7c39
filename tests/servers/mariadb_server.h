#pragma once

#include <string>
#include <vector>

#include "servers/server_process.h"
#include "store/mysql/options.h"
#include "support.h"

namespace simpleim::test {

/// A real mariadbd with a free port and a folder of its own, ended with the object.
class MariaDbServer {
 public:
  /// `arguments`: for mariadbd, behind its own.
  explicit MariaDbServer(std::vector<std::string> arguments = {});

  int port() const { return port_; }

  /// The one all contract tests share; they differ by database.
  static MariaDbServer& shared();
  /// Options with a database that nobody has had.
  store::mysql::MysqlOptions options();
  void kill() { process_.kill(); }
  /// After kill(): on the same port, with what was durable.
  void start();
  void freeze() { process_.freeze(); }
  void thaw() { process_.thaw(); }
  /// Runs a statement as root; its first row, the columns joined by spaces.
  std::string execute(const std::string& sql) const;

 private:
  bool answers() const;

  const std::vector<std::string> arguments_;
  TempDir dir_;
  int port_ = 0;
  ServerProcess process_;
};

/// Two servers, of which the second repeats the first: a commit that the first has confirmed is on the second, too
/// (semi-synchronous replication, as operations.md asks for).
class ReplicatedMariaDb {
 public:
  ReplicatedMariaDb();
  /// Both, as a user that a read-only server refuses.
  store::mysql::MysqlOptions options();
  MariaDbServer& primary() { return primary_; }
  MariaDbServer& replica() { return replica_; }
  /// What an operator, or a manager, does when the primary is gone.
  void promote();

 private:
  MariaDbServer primary_;
  MariaDbServer replica_;
};

}  // namespace simpleim::test
