#pragma once

#include "servers/server_process.h"
#include "store/s3/options.h"
#include "support.h"

namespace simpleim::test {

/// A real MinIO with a free port and a folder of its own, ended with the object.
class MinioServer {
 public:
  MinioServer();

  static MinioServer& shared();
  /// Options with a bucket that nobody has had, and a scratch folder.
  store::s3::S3Options options();
  int port() const { return port_; }
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
