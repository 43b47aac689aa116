#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "run/stored/run.hpp"

namespace heft {

class Session;

/// A weight on which magnitude and impact disagree.
struct DisagreeingWeight {
  std::size_t parameter = 0;
  std::int64_t index = 0;
  double value = 0, impact = 0;  ///< executed
  std::size_t magnitude_rank = 0, impact_rank = 0;
};

/// The two lists that people ask for, those on which the two disagree most first.
struct DisagreeingWeights {
  std::vector<DisagreeingWeight> large_but_inert, small_but_critical;
};

/// Finds them among a run's weights and executes each, in float64; `stop` may throw between two.
DisagreeingWeights disagreeingWeights(Session& session, const Run& run, const std::function<void()>& stop);

}  // namespace heft
