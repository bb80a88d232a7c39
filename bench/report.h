#pragma once

#include <string>
#include <vector>

#include "scenarios.h"

namespace simpleim::bench {

/// A table for people, with the targets beside the figures.
std::string to_table(const std::vector<Report>& reports);
std::string to_json(const std::vector<Report>& reports);
/// Bars of how each figure stands to its target.
std::string to_svg(const std::vector<Report>& reports);

}  // namespace simpleim::bench
