#include <filesystem>
#include <iostream>

#include "commands/actions.h"
#include "commands/workplace.h"
#include "store/sqlite/maintenance.h"

namespace simpleim::commands {
namespace {

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

}  // namespace

int backup(const Options& options, const std::string& dir) {
  const auto config = configured(options);
  if (!is_embedded(config))
    throw Failure{"messages and accounts are in MySQL (store.mysql); back them up with its own tools (mariadb-dump)"};
  const auto from = config.server.data_dir + "/simpleim.db";
  if (!std::filesystem::exists(from)) throw Failure{"there is no database in " + config.server.data_dir};
  std::filesystem::create_directories(dir);
  if (std::filesystem::exists(dir + "/simpleim.db")) throw Failure{dir + " has a backup already; name a new folder"};
  store::sqlite::backup_file(from, dir + "/simpleim.db");
  copy_files(config.server.data_dir + "/files", dir + "/files");
  const auto key = config.server.data_dir + "/jwt.key";
  if (std::filesystem::exists(key)) std::filesystem::copy_file(key, dir + "/jwt.key");
  std::cout << "backup written to " << dir << "\n";
  return 0;
}

int restore(const Options& options, const std::string& dir) {
  const auto config = configured(options);
  if (!std::filesystem::exists(dir + "/simpleim.db")) throw Failure{"there is no backup in " + dir};
  if (const auto problem = store::sqlite::check_file(dir + "/simpleim.db"); !problem.empty())
    throw Failure{"the backup is damaged: " + problem};
  const auto to = config.server.data_dir;
  if (std::filesystem::exists(to + "/simpleim.db"))
    throw Failure{to + " has a database; move it away first, or name another with --data-dir"};
  std::filesystem::create_directories(to);
  store::sqlite::backup_file(dir + "/simpleim.db", to + "/simpleim.db");
  copy_files(dir + "/files", to + "/files");
  if (std::filesystem::exists(dir + "/jwt.key"))
    std::filesystem::copy_file(dir + "/jwt.key", to + "/jwt.key", std::filesystem::copy_options::overwrite_existing);
  std::cout << "restored to " << to << "\n";
  return 0;
}

}  // namespace simpleim::commands
