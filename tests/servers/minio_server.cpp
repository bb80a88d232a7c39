#include "servers/minio_server.h"

#include <atomic>
#include <filesystem>
#include <stdexcept>

#include "store/s3/client.h"
#include "store/store.h"

namespace simpleim::test {
namespace {

/// Made by scripts/install-go-tool.sh, for tests only.
const std::string kMinioBinary = std::string(SIMPLEIM_SOURCE_DIR) + "/build/tools/minio";

}  // namespace

MinioServer::MinioServer() : port_(free_port()) { start(); }

MinioServer& MinioServer::shared() {
  static MinioServer server;
  return server;
}

void MinioServer::start() {
  // Its default name and password, minioadmin: nobody but this machine reaches it.
  // And it takes the bucket in the host's name, too: *.localhost is this machine (RFC 6761).
  process_.start({"/usr/bin/env", "MINIO_DOMAIN=localhost", kMinioBinary, "server", "--quiet", "--address",
                  "127.0.0.1:" + std::to_string(port_), "--console-address", "127.0.0.1:" + std::to_string(free_port()),
                  dir_.file("data")},
                 dir_.file("log"));
  const auto answers = [this] {
    auto probe = options();
    static const base::SystemClock clock;
    try {
      store::s3::Client(probe, clock).open_bucket();
      return true;
    } catch (const store::StoreError&) {
      return false;
    }
  };
  if (!wait_until(answers, std::chrono::seconds(30)))
    throw std::runtime_error("MinIO does not answer (scripts/install-go-tool.sh makes it)");
}

store::s3::S3Options MinioServer::options() {
  static std::atomic<int> counter{0};
  store::s3::S3Options options;
  options.endpoint = "http://127.0.0.1:" + std::to_string(port_);
  options.region = "us-east-1";
  options.deadline_ms = 1000;
  options.bucket = "test-" + std::to_string(++counter);
  options.access_key = options.secret_key = "minioadmin";
  options.scratch_dir = dir_.file("scratch");
  std::filesystem::create_directories(options.scratch_dir);
  return options;
}

}  // namespace simpleim::test
