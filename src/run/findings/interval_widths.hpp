#pragma once

#include <cstddef>
#include <vector>

#include "run/stored/run.hpp"

namespace heft {

/// What is known of a parameter's weights that were not executed.
struct IntervalWidths {
  std::size_t parameter = 0;
  std::size_t estimates = 0;  ///< weights that are estimates
  std::size_t open = 0;       ///< of them, without an upper bound, or without an interval
  std::size_t unknown = 0;    ///< weights with neither an estimate nor an execution
  /// Half of what the middle one of the intervals spans, relative to the estimate; infinite where it is open, 0 where all estimates
  /// are zero.
  double middle = 0;
};

/// Of every parameter with such weights, the widest first.
[[nodiscard]] std::vector<IntervalWidths> intervalWidthsOf(const Run& run);

/// The same figures over all weights; `parameter` is none.
[[nodiscard]] IntervalWidths overallIntervalWidths(const Run& run);

}  // namespace heft
