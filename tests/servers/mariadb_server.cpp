#include "servers/mariadb_server.h"

#include <mysql.h>

#include <atomic>
#include <stdexcept>

namespace simpleim::test {

MariaDbServer::MariaDbServer(std::vector<std::string> arguments)
    : arguments_(std::move(arguments)), port_(free_port()) {
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
  std::vector<std::string> words{"mariadbd",
                                 "--no-defaults",
                                 "--user=root",
                                 "--datadir=" + dir_.file("data"),
                                 "--socket=" + dir_.file("socket"),
                                 "--port=" + std::to_string(port_),
                                 "--bind-address=127.0.0.1",
                                 "--innodb-buffer-pool-size=32M",
                                 "--innodb-log-file-size=16M",
                                 "--skip-name-resolve"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  process_.start(words, dir_.file("log"));
  if (!wait_until([this] { return answers(); }))
    throw std::runtime_error("mariadbd does not answer (Debian: mariadb-server)");
}

std::string MariaDbServer::execute(const std::string& sql) const {
  MYSQL* connection = mysql_init(nullptr);
  const bool done = mysql_real_connect(connection, "127.0.0.1", "root", "", nullptr, static_cast<unsigned>(port_),
                                       nullptr, 0) != nullptr &&
                    mysql_real_query(connection, sql.data(), sql.size()) == 0;
  const std::string problem = done ? "" : mysql_error(connection);
  std::string row;
  if (MYSQL_RES* result = done ? mysql_store_result(connection) : nullptr) {
    if (const auto columns = mysql_fetch_row(result))
      for (unsigned i = 0; i < mysql_num_fields(result); ++i) row += std::string(columns[i] ? columns[i] : "") + " ";
    mysql_free_result(result);
  }
  mysql_close(connection);
  if (!done) throw std::runtime_error(sql + ": " + problem);
  return row;
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
  options.hosts = {{"127.0.0.1", port_}};
  options.user = "root";
  options.readers = 4;
  options.deadline_ms = 1000;
  options.database = "test" + std::to_string(++counter);
  execute("CREATE DATABASE " + options.database);
  return options;
}

ReplicatedMariaDb::ReplicatedMariaDb()
    : primary_({"--log-bin", "--server-id=1", "--rpl-semi-sync-master-timeout=60000",
                "--rpl-semi-sync-master-wait-point=AFTER_SYNC"}),
      replica_({"--log-bin", "--server-id=2", "--read-only=1", "--rpl-semi-sync-slave-enabled=1"}) {
  primary_.execute("CREATE USER repeater IDENTIFIED BY 'r'");
  primary_.execute("GRANT REPLICATION SLAVE ON *.* TO repeater");
  primary_.execute("CREATE USER app IDENTIFIED BY 'a'");
  primary_.execute("GRANT ALL ON chat.* TO app");
  primary_.execute("CREATE DATABASE chat");
  // Before the replica comes: it asks only once whether it is waited for.
  primary_.execute("SET GLOBAL rpl_semi_sync_master_enabled=1");
  replica_.execute("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=" + std::to_string(primary_.port()) +
                   ", MASTER_USER='repeater', MASTER_PASSWORD='r', MASTER_USE_GTID=slave_pos");
  replica_.execute("START SLAVE");
}

store::mysql::MysqlOptions ReplicatedMariaDb::options() {
  store::mysql::MysqlOptions options;
  // The replica first, to be passed over.
  options.hosts = {{"127.0.0.1", replica_.port()}, {"127.0.0.1", primary_.port()}};
  options.user = "app";
  options.readers = 4;
  options.deadline_ms = 1000;
  options.password = "a";
  options.database = "chat";
  if (!wait_until([&] {
        try {
          replica_.execute("USE chat");
          return true;
        } catch (const std::runtime_error&) {
          return false;
        }
      }))
    throw std::runtime_error("the replica does not follow");
  return options;
}

void ReplicatedMariaDb::promote() {
  // What it has received it must have applied, too.
  replica_.execute("STOP SLAVE IO_THREAD");
  if (!wait_until(
          [&] { return replica_.execute("SHOW SLAVE STATUS").find("has read all relay log") != std::string::npos; }))
    throw std::runtime_error("the replica does not apply what it has: " + replica_.execute("SHOW SLAVE STATUS"));
  replica_.execute("STOP SLAVE");
  replica_.execute("RESET SLAVE ALL");
  replica_.execute("SET GLOBAL read_only=0");
}

}  // namespace simpleim::test
