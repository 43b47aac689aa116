#pragma once

#include <string>

#include "run/stored/run.hpp"

namespace heft {

/// Tables of the run's components for a terminal, one for each level: impact, standard error, weights, of units each path, and
/// beside them what their weights' own impacts add up to, where those were measured. At most settings.top rows each, 20 at most.
[[nodiscard]] std::string componentTables(const Run& run);

/// What matters most to each group of the outputs: the foremost three of each level. Empty without groups.
[[nodiscard]] std::string groupTables(const Run& run);

}  // namespace heft
