#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compare/measures/criteria.hpp"

namespace heft {

class Session;

/// The model with some of its weights set to zero, run.
struct RemovalPoint {
  double share = 0;                      ///< of the weights that have a score: removed (deletion), or kept (insertion)
  double change = 0;                     ///< rms of the outputs' change
  std::optional<double> loss, accuracy;  ///< with targets; accuracy with classes
  std::vector<double> sample_change;     ///< [samples]: rms of each sample's change
};

/// What happens when weights go in the order of a criterion.
struct RemovalCurve {
  std::string criterion;
  bool deletion = true;  ///< the most important go first; false (insertion): the most important are all that is kept
  std::vector<RemovalPoint> points;
};

struct RemovalBaseline {
  std::optional<double> loss, accuracy;
  double rms = 0;  ///< of the outputs
};

/// 0.1 % to 95 %.
[[nodiscard]] std::span<const double> removalShares() noexcept;

[[nodiscard]] RemovalBaseline removalBaseline(Session& session);

/// Executes both curves of a criterion. Weights without a score (NaN) stay as they are and are not counted. Equal scores go in
/// the model's order. `progress` may throw to stop.
std::vector<RemovalCurve> removalCurves(Session& session, const CriterionScores& scores, std::span<const double> shares,
                                        const std::function<void(double share)>& progress);

/// Executes the model without the weights whose place in `kept` [parameters][weights] is 0; `share` is theirs among all.
[[nodiscard]] RemovalPoint removeWeights(Session& session, std::span<const std::vector<std::uint8_t>> kept);

}  // namespace heft
