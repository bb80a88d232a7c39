#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/config.h"

namespace CLI {
class App;
}

namespace simpleim::commands {

/// What the command line says about the configuration; read over file and environment.
struct Options {
  std::string config_file;
  std::vector<std::pair<std::string, std::string>> values;
  std::vector<std::string> sets;
};

/// Adds --config, --set and the flags of single settings to a command. `options` outlives it.
void add_options(CLI::App& command, Options& options);

/// Precedence: flag, environment, file, default. "" or what is wrong.
std::string load_config(const Options& options, base::Config& config);

}  // namespace simpleim::commands
