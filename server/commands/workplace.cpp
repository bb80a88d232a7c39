#include "commands/workplace.h"

#include <filesystem>

namespace simpleim::commands {

base::Config configured(const Options& options) {
  base::Config config;
  if (auto error = load_config(options, config); !error.empty()) throw Failure{std::move(error)};
  return config;
}

void require_database(const base::Config& config) {
  if (!is_embedded(config) || std::filesystem::exists(config.server.data_dir + "/simpleim.db")) return;
  throw Failure{"there is no database in " + config.server.data_dir};
}

}  // namespace simpleim::commands
