#include "servers/mongo_server.h"

#include <atomic>
#include <stdexcept>

#include "store/mongo/message_archive.h"
#include "store/store.h"

namespace simpleim::test {
namespace {

/// From tests/requirements.txt.
const std::string kMongoBinary = std::string(SIMPLEIM_SOURCE_DIR) + "/.venv/bin/secantusd-py";

}  // namespace

MongoServer::MongoServer() : port_(free_port()) { start(); }

MongoServer& MongoServer::shared() {
  static MongoServer server;
  return server;
}

void MongoServer::start() {
  process_.start({kMongoBinary, "--host", "127.0.0.1", "--port", std::to_string(port_), "--storage-path",
                  dir_.file("data"), "--sync-on-commit", "--log-level", "WARNING"},
                 dir_.file("log"));
  const auto answers = [this] {
    static const base::SystemClock clock;
    try {
      return store::mongo::MongoMessageArchive(options(), clock).health().empty();
    } catch (const store::StoreError&) {
      return false;
    }
  };
  if (!wait_until(answers, std::chrono::seconds(30)))
    throw std::runtime_error("SecantusDB does not answer (tests/requirements.txt)");
}

store::mongo::MongoOptions MongoServer::options() {
  static std::atomic<int> counter{0};
  store::mongo::MongoOptions options;
  options.uri = "mongodb://127.0.0.1:" + std::to_string(port_) + "/?directConnection=true";
  options.deadline_ms = 1000;
  options.database = "test" + std::to_string(++counter);
  return options;
}

}  // namespace simpleim::test
