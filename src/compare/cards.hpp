#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/bootstrap.hpp"
#include "analysis/scorecard.hpp"
#include "compare/measures/criteria.hpp"
#include "compare/measures/removal.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// Mean height of a removal curve, as a share of the outputs' own rms, over the linear axis of shares.
struct CurveScore {
  BootstrapInterval area;                ///< over inputs; lower and upper NaN with fewer than two samples
  std::optional<double> against_impact;  ///< p-value that it differs from the impact's own curve (paired bootstrap)
};

/// One criterion's marks.
struct CriterionCard {
  std::string name, label;
  double seconds = 0;
  Score overall;
  std::vector<std::pair<std::string, Score>> parameters, gates, layers;  ///< those that are part of the run
  std::optional<CurveScore> deletion, insertion;
  std::optional<double> spearman_error;  ///< standard error of overall.spearman over inputs
};

/// "impact", the run's own.
[[nodiscard]] CriterionScores impactScores(const Run& run);

/// The marks of criteria against the run's impacts, two at a time. `scores` are as the run's parameters; throws
/// Error(Fault::internal) where they aren't. `progress` hears the share that is done and may throw to stop.
[[nodiscard]] std::vector<CriterionCard> cardsOf(const Run& run, std::span<const CriterionScores> scores,
                                                 const std::function<void(double share)>& progress);

/// Adds the marks of curves: those of each card's criterion, and how they differ from the criterion "impact".
void addCurves(std::vector<CriterionCard>& cards, std::span<const RemovalCurve> curves, double baseline_rms);

}  // namespace heft
