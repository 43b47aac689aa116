#pragma once

#include <string>

#include "analysis/impact_sums.hpp"

namespace heft {

/// How much of a group's impact was executed and how much is estimated, in one sentence.
[[nodiscard]] std::string sureSentence(const ImpactSums& sums, Aggregate how);

}  // namespace heft
