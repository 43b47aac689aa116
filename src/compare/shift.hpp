#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compare/measures/criteria.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// A weight in two runs.
struct ShiftedWeight {
  std::size_t parameter = 0;
  std::int64_t index = 0;
  float value = 0;  ///< of the first run's model
  float impact = 0, impact_there = 0;
};

/// Two rankings of the same parameters: on other inputs, of another checkpoint, or by another metric.
struct Shift {
  std::size_t weights = 0;  ///< that are part of both
  std::optional<double> spearman, kendall;
  std::optional<double> overlap;  ///< of the top 1 %
  /// Largest differences there - here and here - there; the difference itself, not the ratio, which singles out weights that
  /// hardly move anything.
  std::vector<ShiftedWeight> rose, fell;
  /// In the top 1 % there and not in the top 10 % here, by impact there; and the other way round.
  std::vector<ShiftedWeight> only_there, only_here;
};

/// At most `count` weights a list. Throws Error(Fault::output) where the parameters' names or shapes differ.
[[nodiscard]] Shift shiftOf(const Run& here, const Run& there, std::size_t count = 20);

/// "shift": impact there less impact here, so that what matters here alone comes last. NaN where either has none. Throws as
/// shiftOf does.
[[nodiscard]] CriterionScores shiftScores(const Run& here, const Run& there);

}  // namespace heft
