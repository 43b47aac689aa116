#include "analysis/scorecard.hpp"

#include <cmath>
#include <future>

#include "analysis/rank_biased_overlap.hpp"
#include "analysis/rank_statistics.hpp"

namespace heft {

Score scoreOf(std::span<const float> criterion, std::span<const float> impact) {
  Score score;
  for (std::size_t i = 0; i < impact.size(); ++i) score.weights += !std::isnan(criterion[i]) && !std::isnan(impact[i]);
  auto kendall = std::async([&] { return kendallTauB(criterion, impact); });
  score.spearman = spearman(criterion, impact);
  for (std::size_t i = 0; i < overlapShares.size(); ++i) {
    const auto k = static_cast<std::size_t>(std::ceil(overlapShares[i] * static_cast<double>(score.weights)));
    score.overlap[i] = topOverlap(criterion, impact, k);
  }
  if (const auto overlap = rankBiasedOverlap(criterion, impact)) score.rbo = overlap->value;
  score.kendall = kendall.get();
  return score;
}

}  // namespace heft
