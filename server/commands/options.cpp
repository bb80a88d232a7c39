#include "commands/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

namespace simpleim::commands {

void add_options(CLI::App& command, Options& options) {
  command.add_option("--config", options.config_file, "TOML file");
  const auto flag = [&](const char* name, const char* key, const char* help) {
    command.add_option_function<std::string>(
        name, [&options, key](const std::string& value) { options.values.emplace_back(key, value); }, help);
  };
  flag("--listen", "server.listen", "address:port for clients");
  flag("--admin-listen", "server.admin_listen", "address:port for /metrics");
  flag("--data-dir", "server.data_dir", "folder of the database and the keys");
  flag("--node-id", "server.node_id", "name of this node");
  flag("--threads", "server.threads", "I/O threads");
  flag("--log-level", "log.level", "debug, info, warn, error");
  flag("--log-format", "log.format", "text, json");
  command.add_option("--set", options.sets, "any key: --set limits.message_burst=500")->take_all();
}

std::string load_config(const Options& options, base::Config& config) {
  if (!options.config_file.empty())
    if (auto error = base::load_config_file(config, options.config_file); !error.empty()) return error;
  if (auto error = base::load_config_environment(config, environ); !error.empty()) return error;
  for (const auto& [key, value] : options.values)
    if (auto error = base::set_config(config, key, value); !error.empty()) return error;
  for (const auto& entry : options.sets) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos) return "--set " + entry + ": KEY=VALUE is needed";
    if (auto error = base::set_config(config, entry.substr(0, equals), entry.substr(equals + 1)); !error.empty())
      return error;
  }
  return config.problem();
}

}  // namespace simpleim::commands
