#pragma once

#include "servers/server_process.h"
#include "store/mongo/options.h"
#include "support.h"

namespace simpleim::test {

/// A real server of MongoDB's protocol (SecantusDB, on WiredTiger) with a free port and a folder of its own.
class MongoServer {
 public:
  MongoServer();

  static MongoServer& shared();
  /// Options with a database that nobody has had.
  store::mongo::MongoOptions options();
  void kill() { process_.kill(); }
  void start();
  void freeze() { process_.freeze(); }
  void thaw() { process_.thaw(); }

 private:
  TempDir dir_;
  int port_ = 0;
  ServerProcess process_;
};

}  // namespace simpleim::test
