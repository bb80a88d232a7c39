#include "servers/opensearch_server.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "store/opensearch/client.h"
#include "store/store.h"

namespace simpleim::test {
namespace {

/// Made by scripts/install-java-tool.sh, for tests only.
const std::string kOpenSearch = std::string(SIMPLEIM_SOURCE_DIR) + "/build/tools/opensearch";

}  // namespace

OpenSearchServer::OpenSearchServer() : port_(free_port()) { start(); }

OpenSearchServer& OpenSearchServer::shared() {
  static OpenSearchServer server;
  return server;
}

void OpenSearchServer::start() {
  namespace fs = std::filesystem;
  const auto home = dir_.file("home");
  for (const auto* folder : {"/config", "/tmp", "/plugins"}) fs::create_directories(home + folder);
  for (const auto* folder : {"lib", "modules"})
    if (!fs::exists(home + "/" + folder)) fs::create_directory_symlink(kOpenSearch + "/" + folder, home + "/" + folder);
  std::ofstream(home + "/config/opensearch.yml")
      << "discovery.type: single-node\nhttp.host: 127.0.0.1\nhttp.port: " << port_
      << "\ntransport.host: 127.0.0.1\ntransport.port: " << free_port() << "\npath.data: " << home
      << "/data\npath.logs: " << home << "/logs\ncluster.routing.allocation.disk.threshold_enabled: false\n";
  std::ofstream(home + "/config/log4j2.properties")
      << "status = error\nappender.c.type = Console\nappender.c.name = c\nappender.c.layout.type = PatternLayout\n"
         "appender.c.layout.pattern = %m%n\nrootLogger.level = warn\nrootLogger.appenderRef.c.ref = c\n";
  // Without JNA it does not look who runs it: in a bare machine tests are root.
  process_.start(
      {"/usr/bin/env", "java", "-Xms384m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
       "-Djava.security.manager=allow", "-Djna.nounpack=true", "-Djna.nosys=true", "-Dopensearch.path.home=" + home,
       "-Dopensearch.path.conf=" + home + "/config", "-Dopensearch.distribution.type=tar",
       "-Djava.io.tmpdir=" + home + "/tmp", "-cp", home + "/lib/*", "org.opensearch.bootstrap.OpenSearch"},
      dir_.file("log"));
  const auto answers = [this] {
    static const base::SystemClock clock;
    try {
      (void)store::opensearch::Client(options(), clock).call("GET", "/_cluster/health?wait_for_status=yellow");
      return true;
    } catch (const store::StoreError&) {
      return false;
    }
  };
  if (!wait_until(answers, std::chrono::seconds(60)))
    throw std::runtime_error("OpenSearch does not answer (scripts/install-java-tool.sh makes it)");
}

store::opensearch::OpenSearchOptions OpenSearchServer::options() const {
  static std::atomic<int> counter{0};
  store::opensearch::OpenSearchOptions options;
  options.endpoints = {"http://127.0.0.1:" + std::to_string(port_)};
  options.index = "test" + std::to_string(++counter);
  options.deadline_ms = 20'000;
  return options;
}

}  // namespace simpleim::test
