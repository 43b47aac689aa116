#include "analysis/scorecard.hpp"

#include <cmath>

#include "analysis/rank_biased_overlap.hpp"
#include "analysis/ranked_pairs.hpp"

namespace heft {

Score scoreOf(std::span<const float> criterion, std::span<const float> impact) {
  const RankedPairs<float> pairs(criterion, impact);
  Score score;
  score.weights = pairs.size();
  score.spearman = pairs.spearman();
  score.kendall = pairs.kendallTauB();
  for (std::size_t i = 0; i < overlapShares.size(); ++i)
    score.overlap[i] =
        pairs.topOverlap(static_cast<std::size_t>(std::ceil(overlapShares[i] * static_cast<double>(score.weights))));
  if (const auto overlap = rankBiasedOverlap(std::span(pairs.a()), std::span(pairs.b()))) score.rbo = overlap->value;
  return score;
}

}  // namespace heft
