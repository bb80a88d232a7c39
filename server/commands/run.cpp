#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "commands/actions.h"
#include "commands/commands.h"
#include "commands/workplace.h"
#include "media/media_processor.h"

namespace simpleim::commands {
namespace {

struct UserArguments {
  std::string username, nickname, password;
};

int user_command(const Options& options, const std::string& verb, const UserArguments& arguments) {
  const auto config = configured(options);
  std::filesystem::create_directories(config.server.data_dir);
  Workplace place(config);
  const service::Passwords passwords(config.auth.argon2_memory_kib, config.auth.argon2_iterations);
  UserContext context{*place.opened.store, passwords, place.on.ids, place.on.clock, config};
  if (verb == "add") return add_user(context, arguments.username, arguments.nickname, arguments.password);
  if (verb == "passwd") return set_password(context, arguments.username, arguments.password);
  if (verb == "list") return list_users(context);
  return set_disabled(context, arguments.username, verb == "disable");
}

int report_command(const Options& options, const std::string& verb, const std::string& id) {
  const auto config = configured(options);
  require_database(config);
  const Workplace place(config);
  return verb == "list" ? list_reports(*place.opened.store) : close_report(*place.opened.store, id);
}

int parse_and_run(int argc, char** argv) {
  CLI::App app{"SimpleIM: a self-hosted instant-messaging server", "simpleim"};
  app.require_subcommand(1);
  Options options;
  UserArguments user;
  std::string dir;
  int code = 0;

  auto* serve_command = app.add_subcommand("serve", "run the server");
  add_options(*serve_command, options);
  serve_command->callback([&] { code = serve(options); });

  auto* check_command = app.add_subcommand("check", "validate the configuration and the database");
  add_options(*check_command, options);
  check_command->callback([&] { code = check(options); });

  auto* backup_command =
      app.add_subcommand("backup", "write a consistent copy into a new folder, also of a running server");
  add_options(*backup_command, options);
  backup_command->add_option("DIR", dir)->required();
  backup_command->callback([&] { code = backup(options, dir); });

  auto* restore_command = app.add_subcommand("restore", "bring a backup back into an empty data folder");
  add_options(*restore_command, options);
  restore_command->add_option("DIR", dir)->required();
  restore_command->callback([&] { code = restore(options, dir); });

  auto* reindex_command = app.add_subcommand("reindex", "make the search index anew from the messages");
  add_options(*reindex_command, options);
  reindex_command->callback([&] { code = reindex(options); });

  auto* migrate_app = app.add_subcommand("migrate", "copy what a single server has into the backends of a cluster");
  std::string from;
  std::string to;
  migrate_app->add_option("--from", from, "sqlite:DIR, the data folder; its server must be down")->required();
  migrate_app->add_option("--to", to, "TOML file of a node of the cluster; none must be up")->required();
  migrate_app->callback([&] {
    options.config_file = to;
    code = migrate(from, configured(options));
  });

  auto* user_app = app.add_subcommand("user", "accounts");
  user_app->require_subcommand(1);
  for (const char* verb : {"add", "passwd", "disable", "enable", "list"}) {
    auto* command = user_app->add_subcommand(verb);
    add_options(*command, options);
    if (std::string(verb) != "list") command->add_option("USERNAME", user.username)->required();
    if (std::string(verb) == "add") command->add_option("--nickname", user.nickname);
    if (std::string(verb) == "add" || std::string(verb) == "passwd")
      command->add_option("--password", user.password, "without it the password is read from standard input");
    command->callback([&, verb] { code = user_command(options, verb, user); });
  }

  auto* report_app = app.add_subcommand("report", "messages that people reported");
  report_app->require_subcommand(1);
  std::string report_id;
  for (const char* verb : {"list", "close"}) {
    auto* command = report_app->add_subcommand(verb);
    add_options(*command, options);
    if (std::string(verb) == "close") command->add_option("ID", report_id)->required();
    command->callback([&, verb] { code = report_command(options, verb, report_id); });
  }

  // What the server starts for each picture and film; not for people.
  std::string mime;
  bool no_decoding = false;
  auto* media_worker = app.add_subcommand("media-worker")->group("");
  media_worker->add_option("MIME", mime)->required();
  media_worker->add_flag("--no-decoding", no_decoding);
  media_worker->callback([&] { code = media::run_media_worker(mime, !no_decoding); });

  app.add_subcommand("config", "list every configuration key")->callback([&] { code = print_config_keys(); });
  app.add_subcommand("version", "print the version")->callback([] {
    std::cout << "simpleim " << SIMPLEIM_VERSION << "\n";
  });
  CLI11_PARSE(app, argc, argv);
  return code;
}

}  // namespace

int run(int argc, char** argv) {
  // Messages, password hashes and keys are nobody else's to read, whatever is written and wherever.
  ::umask(077);
  std::string problem;
  try {
    return parse_and_run(argc, argv);
  } catch (const Failure& failure) {
    problem = failure.text;
  } catch (const std::exception& e) {
    problem = e.what();
  }
  std::cerr << "simpleim: " << problem << "\n";
  return 1;
}

}  // namespace simpleim::commands
