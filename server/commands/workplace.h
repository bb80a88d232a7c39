#pragma once

#include <string>

#include "commands/options.h"
#include "composition/stores.h"

namespace simpleim::commands {

/// What an operator's command works with.
struct Workplace {
  explicit Workplace(const base::Config& config) : opened(open_store(config, 1, on.clock, on.random, on.metrics)) {}

  Foundations on;
  OpenedStore opened;
};

/// What kept a command from working, with what would be right; its text goes to standard error, the exit code is 1.
struct Failure {
  std::string text;
};

/// The configuration; Failure when it makes no sense.
base::Config configured(const Options& options);

/// Failure when there is no database to work on.
void require_database(const base::Config& config);

}  // namespace simpleim::commands
