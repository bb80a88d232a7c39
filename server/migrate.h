#pragma once

#include <string>

#include "base/config.h"

namespace simpleim {

/// `simpleim migrate --from sqlite:DIR --to FILE`: brings what a single node has to the backends of a cluster. The
/// server of DIR must be down and no node of the cluster up. Can be broken off and run again; ends with a comparison of
/// everything. Prints progress; returns the exit code; throws std::runtime_error with a text for people.
int migrate(const std::string& from, const base::Config& to);

}  // namespace simpleim
