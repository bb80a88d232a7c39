#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "admin/admin.h"
#include "backends.h"
#include "base/data_dir_lock.h"
#include "base/log.h"
#include "media/image_processor.h"
#include "migrate.h"
#include "net/listener.h"
#include "server.h"
#include "service/search/search_indexer.h"
#include "store/sqlite/maintenance.h"
#include "store/sqlite/search_index.h"

#ifndef SIMPLEIM_VERSION
#define SIMPLEIM_VERSION "0.0.0"
#endif

namespace {

using namespace simpleim;

/// What the command line says about the configuration; read over file and environment.
struct Flags {
  std::string config_file;
  std::vector<std::pair<std::string, std::string>> values;
  std::vector<std::string> sets;
};

void add_config_flags(CLI::App& command, Flags& flags) {
  command.add_option("--config", flags.config_file, "TOML file");
  const auto flag = [&](const char* name, const char* key, const char* help) {
    command.add_option_function<std::string>(
        name, [&flags, key](const std::string& value) { flags.values.emplace_back(key, value); }, help);
  };
  flag("--listen", "server.listen", "address:port for clients");
  flag("--admin-listen", "server.admin_listen", "address:port for /metrics");
  flag("--data-dir", "server.data_dir", "folder of the database and the keys");
  flag("--node-id", "server.node_id", "name of this node");
  flag("--threads", "server.threads", "I/O threads");
  flag("--log-level", "log.level", "debug, info, warn, error");
  flag("--log-format", "log.format", "text, json");
  command.add_option("--set", flags.sets, "any key: --set limits.message_burst=500")->take_all();
}

/// Precedence: flag, environment, file, default. "" or what is wrong.
std::string load_config(const Flags& flags, base::Config& config) {
  if (!flags.config_file.empty())
    if (auto error = base::load_config_file(config, flags.config_file); !error.empty()) return error;
  if (auto error = base::load_config_environment(config, environ); !error.empty()) return error;
  for (const auto& [key, value] : flags.values)
    if (auto error = base::set_config(config, key, value); !error.empty()) return error;
  for (const auto& entry : flags.sets) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos) return "--set " + entry + ": KEY=VALUE is needed";
    if (auto error = base::set_config(config, entry.substr(0, equals), entry.substr(equals + 1)); !error.empty())
      return error;
  }
  return config.problem();
}

int fail(const std::string& text) {
  std::cerr << "simpleim: " << text << "\n";
  return 1;
}

/// What an operator's command works with.
struct Workplace {
  explicit Workplace(const base::Config& config) : opened(open_store(config, 1, clock, random, metrics)) {}

  base::SystemClock clock;
  base::SecureRandom random;
  base::Metrics metrics;
  base::IdMaker ids{clock, random};
  OpenedStore opened;
};

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

int serve(const Flags& flags) {
  base::Config config;
  if (auto error = load_config(flags, config); !error.empty()) return fail(error);
  base::log::set_format(config.log.format == "json" ? base::log::Format::kJson : base::log::Format::kText);
  // Blocked before any thread starts, so that only sigwait() below sees them.
  const auto signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Server server(config);
  server.reload(config);
  server.start();
  const std::string scheme = config.tls.cert_file.empty() ? "http" : "https";
  const auto host = config.server.listen.substr(0, config.server.listen.rfind(':'));
  base::log::info("SimpleIM is ready", {{"url", scheme + "://" + host + ":" + std::to_string(server.port())},
                                        {"data_dir", config.server.data_dir}});
  for (;;) {
    int received = 0;
    sigwait(&signals, &received);
    if (received != SIGHUP) break;
    base::Config fresh;
    if (auto error = load_config(flags, fresh); !error.empty()) base::log::error("not reloaded", {{"what", error}});
    else server.reload(fresh);
  }
  server.drain();
  return 0;
}

/// "" or what is wrong; the bus connects on a thread of its own, which is waited for.
std::string bus_problem(const base::Config& config, Workplace& place) {
  const auto bus = make_bus(config, place.clock, place.random, place.metrics);
  bus->listen([](auto, auto) {}, [] {});
  const auto until = place.clock.steady_ms() + config.cluster.deadline_ms;
  while (!bus->health().empty() && place.clock.steady_ms() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return bus->health();
}

int check(const Flags& flags) {
  base::Config config;
  if (auto error = load_config(flags, config); !error.empty()) return fail(error);
  (void)net::parse_endpoint(config.server.listen);
  if (!config.server.admin_listen.empty()) (void)net::parse_endpoint(config.server.admin_listen);
  if (!config.tls.cert_file.empty()) net::TlsContext(config.tls.cert_file, config.tls.key_file);
  std::cout << "configuration: ok\n";
  if (!is_embedded(config)) {
    Workplace place(config);
    std::cout << "database: ok\n";
    if (const auto problem = bus_problem(config, place); !problem.empty()) return fail("bus: " + problem);
    std::cout << "bus: ok\n";
    return 0;
  }
  const auto path = config.server.data_dir + "/simpleim.db";
  if (!std::filesystem::exists(path)) {
    std::cout << "database: " << path << " will be made at the first start\n";
    return 0;
  }
  if (const auto problem = store::sqlite::check_file(path); !problem.empty()) return fail("database: " + problem);
  std::cout << "database: ok\n";
  return 0;
}

/// "" when there is a database to work on.
std::string missing_database(const base::Config& config) {
  if (!is_embedded(config) || std::filesystem::exists(config.server.data_dir + "/simpleim.db")) return "";
  return "there is no database in " + config.server.data_dir;
}

/// Contents never change: what is there already is right. Parts of uploads are left out.
void copy_files(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  if (!fs::exists(from)) return;
  for (const auto& folder : fs::directory_iterator(from)) {
    if (folder.path().filename() == "tmp") continue;
    fs::create_directories(fs::path(to) / folder.path().filename());
    fs::copy(folder.path(), fs::path(to) / folder.path().filename(),
             fs::copy_options::recursive | fs::copy_options::skip_existing);
  }
}

int backup(const Flags& flags, const std::string& dir) {
  base::Config config;
  if (auto error = load_config(flags, config); !error.empty()) return fail(error);
  if (!is_embedded(config))
    return fail("messages and accounts are in MySQL (store.mysql); back them up with its own tools (mariadb-dump)");
  const auto from = config.server.data_dir + "/simpleim.db";
  if (!std::filesystem::exists(from)) return fail("there is no database in " + config.server.data_dir);
  std::filesystem::create_directories(dir);
  if (std::filesystem::exists(dir + "/simpleim.db")) return fail(dir + " has a backup already; name a new folder");
  store::sqlite::backup_file(from, dir + "/simpleim.db");
  copy_files(config.server.data_dir + "/files", dir + "/files");
  const auto key = config.server.data_dir + "/jwt.key";
  if (std::filesystem::exists(key)) std::filesystem::copy_file(key, dir + "/jwt.key");
  std::cout << "backup written to " << dir << "\n";
  return 0;
}

int restore(const Flags& flags, const std::string& dir) {
  base::Config config;
  if (auto error = load_config(flags, config); !error.empty()) return fail(error);
  if (!std::filesystem::exists(dir + "/simpleim.db")) return fail("there is no backup in " + dir);
  if (const auto problem = store::sqlite::check_file(dir + "/simpleim.db"); !problem.empty())
    return fail("the backup is damaged: " + problem);
  const auto to = config.server.data_dir;
  if (std::filesystem::exists(to + "/simpleim.db"))
    return fail(to + " has a database; move it away first, or name another with --data-dir");
  std::filesystem::create_directories(to);
  store::sqlite::backup_file(dir + "/simpleim.db", to + "/simpleim.db");
  copy_files(dir + "/files", to + "/files");
  if (std::filesystem::exists(dir + "/jwt.key"))
    std::filesystem::copy_file(dir + "/jwt.key", to + "/jwt.key", std::filesystem::copy_options::overwrite_existing);
  std::cout << "restored to " << to << "\n";
  return 0;
}

class NoSink final : public service::EventSink {
  void deliver(std::vector<service::Event>&&, std::int64_t) override {}
};

/// Makes the search index anew; the server of this folder must be down.
int reindex(const Flags& flags) {
  base::Config config;
  if (auto error = load_config(flags, config); !error.empty()) return fail(error);
  if (const auto missing = missing_database(config); !missing.empty()) return fail(missing);
  const auto dir = config.server.data_dir;
  const base::DataDirLock lock(dir);
  const Workplace place(config);
  store::sqlite::SqliteSearchIndex index(dir + "/search.db", 1);
  index.clear();
  NoSink nobody;
  service::SearchIndexer indexer(*place.opened.store, index, nobody);
  indexer.index_all([](std::int64_t messages) { std::cout << "\r" << messages << " messages" << std::flush; });
  std::cout << "\nthe search index is as new as the messages\n";
  return 0;
}

int migrate_command(const std::string& from, const std::string& to) {
  Flags flags;
  flags.config_file = to;
  base::Config config;
  if (auto error = load_config(flags, config); !error.empty()) return fail(error);
  return migrate(from, config);
}

struct UserArguments {
  std::string username, nickname, password;
};

int user_command(const Flags& flags, const std::string& verb, const UserArguments& arguments) {
  base::Config config;
  if (auto error = load_config(flags, config); !error.empty()) return fail(error);
  std::filesystem::create_directories(config.server.data_dir);
  Workplace place(config);
  const service::Passwords passwords(config.auth.argon2_memory_kib, config.auth.argon2_iterations);
  admin::UserContext context{*place.opened.store, passwords, place.ids, place.clock, config};
  if (verb == "add") return admin::add_user(context, arguments.username, arguments.nickname, arguments.password);
  if (verb == "passwd") return admin::set_password(context, arguments.username, arguments.password);
  if (verb == "list") return admin::list_users(context);
  return admin::set_disabled(context, arguments.username, verb == "disable");
}

int report_command(const Flags& flags, const std::string& verb, const std::string& id) {
  base::Config config;
  if (auto error = load_config(flags, config); !error.empty()) return fail(error);
  if (const auto missing = missing_database(config); !missing.empty()) return fail(missing);
  const Workplace place(config);
  return verb == "list" ? admin::list_reports(*place.opened.store) : admin::close_report(*place.opened.store, id);
}

int run(int argc, char** argv) {
  CLI::App app{"SimpleIM: a self-hosted instant-messaging server", "simpleim"};
  app.require_subcommand(1);
  Flags flags;
  UserArguments user;
  std::string dir;
  int code = 0;

  auto* serve_command = app.add_subcommand("serve", "run the server");
  add_config_flags(*serve_command, flags);
  serve_command->callback([&] { code = serve(flags); });

  auto* check_command = app.add_subcommand("check", "validate the configuration and the database");
  add_config_flags(*check_command, flags);
  check_command->callback([&] { code = check(flags); });

  auto* backup_command =
      app.add_subcommand("backup", "write a consistent copy into a new folder, also of a running server");
  add_config_flags(*backup_command, flags);
  backup_command->add_option("DIR", dir)->required();
  backup_command->callback([&] { code = backup(flags, dir); });

  auto* restore_command = app.add_subcommand("restore", "bring a backup back into an empty data folder");
  add_config_flags(*restore_command, flags);
  restore_command->add_option("DIR", dir)->required();
  restore_command->callback([&] { code = restore(flags, dir); });

  auto* reindex_command = app.add_subcommand("reindex", "make the search index anew from the messages");
  add_config_flags(*reindex_command, flags);
  reindex_command->callback([&] { code = reindex(flags); });

  auto* migrate_app = app.add_subcommand("migrate", "copy what a single server has into the backends of a cluster");
  std::string from;
  std::string to;
  migrate_app->add_option("--from", from, "sqlite:DIR, the data folder; its server must be down")->required();
  migrate_app->add_option("--to", to, "TOML file of a node of the cluster; none must be up")->required();
  migrate_app->callback([&] { code = migrate_command(from, to); });

  auto* user_app = app.add_subcommand("user", "accounts");
  user_app->require_subcommand(1);
  for (const char* verb : {"add", "passwd", "disable", "enable", "list"}) {
    auto* command = user_app->add_subcommand(verb);
    add_config_flags(*command, flags);
    if (std::string(verb) != "list") command->add_option("USERNAME", user.username)->required();
    if (std::string(verb) == "add") command->add_option("--nickname", user.nickname);
    if (std::string(verb) == "add" || std::string(verb) == "passwd")
      command->add_option("--password", user.password, "without it the password is read from standard input");
    command->callback([&, verb] { code = user_command(flags, verb, user); });
  }

  auto* report_app = app.add_subcommand("report", "messages that people reported");
  report_app->require_subcommand(1);
  std::string report_id;
  for (const char* verb : {"list", "close"}) {
    auto* command = report_app->add_subcommand(verb);
    add_config_flags(*command, flags);
    if (std::string(verb) == "close") command->add_option("ID", report_id)->required();
    command->callback([&, verb] { code = report_command(flags, verb, report_id); });
  }

  // What the server starts for each picture; not for people.
  std::array<std::string, 4> picture;
  auto* image_worker = app.add_subcommand("image-worker")->group("");
  for (auto& argument : picture)
    image_worker->add_option("ARGUMENTS" + std::to_string(&argument - picture.data()), argument)->required();
  image_worker->callback([&] { code = media::run_image_worker(picture[0], picture[1], picture[2], picture[3]); });

  app.add_subcommand("config", "list every configuration key")->callback([&] { code = admin::print_config_keys(); });
  app.add_subcommand("version", "print the version")->callback([] {
    std::cout << "simpleim " << SIMPLEIM_VERSION << "\n";
  });
  CLI11_PARSE(app, argc, argv);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    return fail(e.what());
  }
}
