#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compare/measures/criteria.hpp"

namespace heft {

/// [parameters][weights], row-major.
using WeightScores = std::vector<std::vector<float>>;

// Criteria that the weights' values tell without running the model; see Criterion.

[[nodiscard]] WeightScores magnitudes(WeightScores weights);
[[nodiscard]] WeightScores normalisedMagnitudes(WeightScores weights);
/// As many as `like` has; each draw is another ranking.
[[nodiscard]] WeightScores randomScores(const WeightScores& like, std::uint64_t seed, std::uint64_t draw);

/// Nothing for a criterion that needs the model and inputs.
[[nodiscard]] std::optional<WeightScores> scoresOfWeights(Criterion criterion, const WeightScores& weights,
                                                          std::uint64_t seed);

}  // namespace heft
