#pragma once

#include "servers/server_process.h"
#include "store/opensearch/options.h"
#include "support.h"

namespace simpleim::test {

/// A real OpenSearch with a free port and a folder of its own, ended with the object.
class OpenSearchServer {
 public:
  OpenSearchServer();

  static OpenSearchServer& shared();
  /// Options with an index that nobody has had.
  store::opensearch::OpenSearchOptions options() const;
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
