#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "analysis/conformal.hpp"
#include "analysis/settle.hpp"
#include "analysis/stratify.hpp"
#include "measure/method.hpp"

namespace heft {

/// What is no finite number where a weight is set otherwise (a model divides by it, say), as decisions take it: it matters most, so
/// that it is executed first.
constexpr double kBeyondNumbers = 1e30;
[[nodiscard]] inline double forDecisions(double impact) { return std::isfinite(impact) ? impact : kBeyondNumbers; }

/// Estimates of the selected weights by the first metric, parameter by parameter.
struct Estimated {
  std::vector<std::vector<double>> impact;  ///< by parameter, [selected weights of it]; forDecisions()
  [[nodiscard]] std::vector<std::span<const double>> spans() const { return {impact.begin(), impact.end()}; }
};

/// Estimates every selected weight and puts the estimates into the run, from the checkpoint where it holds them.
Estimated estimateSelected(const MethodTask& task, Run& run);

/// The random sample that is executed to say how far off estimates are, by stratum: numbers of selected weights.
std::vector<std::vector<std::size_t>> calibrationSample(const RankSettings& settings, const Estimates& estimates,
                                                        const Strata& strata);

/// What the method auto asks of settle(), but for a budget of time.
SettleOptions settleOptions(const RankSettings& settings);

/// Gives every estimated weight of the run its interval.
void storeIntervals(const MethodTask& task, const Estimated& estimated, const Strata& strata,
                    const Conformal& intervals, Run& run);

/// Quantiles of executed / estimated, by parameter.
std::vector<CalibrationFacts> calibrationFacts(const MethodTask& task, std::span<const CalibrationPair> pairs);

}  // namespace heft
