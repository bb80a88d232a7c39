#include "servers/mariadb_server.h"

#include <mysql.h>

#include <atomic>
#include <stdexcept>

namespace simpleim::test {

MariaDbServer::MariaDbServer() : port_(free_port()) {
  ServerProcess install;
  install.start({"mariadb-install-db", "--no-defaults", "--datadir=" + dir_.file("data"), "--skip-test-db",
                 "--auth-root-authentication-method=normal", "--user=root"},
                dir_.file("install.log"));
  if (!wait_until([&] { return !install.is_running(); }))
    throw std::runtime_error("mariadb-install-db does not end (Debian: mariadb-server)");
  start();
}

MariaDbServer& MariaDbServer::shared() {
  static MariaDbServer server;
  return server;
}

void MariaDbServer::start() {
  process_.start({"mariadbd", "--no-defaults", "--user=root", "--datadir=" + dir_.file("data"),
                  "--socket=" + dir_.file("socket"), "--port=" + std::to_string(port_), "--bind-address=127.0.0.1",
                  "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--skip-name-resolve"},
                 dir_.file("log"));
  if (!wait_until([this] { return answers(); }))
    throw std::runtime_error("mariadbd does not answer (Debian: mariadb-server)");
}

void MariaDbServer::execute(const std::string& sql) const {
  MYSQL* connection = mysql_init(nullptr);
  const bool done = mysql_real_connect(connection, "127.0.0.1", "root", "", nullptr, static_cast<unsigned>(port_),
                                       nullptr, 0) != nullptr &&
                    mysql_real_query(connection, sql.data(), sql.size()) == 0;
  const std::string problem = done ? "" : mysql_error(connection);
  mysql_close(connection);
  if (!done) throw std::runtime_error(sql + ": " + problem);
}

bool MariaDbServer::answers() const {
  try {
    execute("DO 1");
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

store::mysql::MysqlOptions MariaDbServer::options() {
  static std::atomic<int> counter{0};
  store::mysql::MysqlOptions options;
  options.port = port_;
  options.user = "root";
  options.database = "test" + std::to_string(++counter);
  execute("CREATE DATABASE " + options.database);
  return options;
}

}  // namespace simpleim::test
