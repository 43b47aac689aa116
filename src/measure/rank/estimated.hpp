#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/conformal.hpp"
#include "analysis/settle.hpp"
#include "analysis/stratify.hpp"
#include "measure/rank/execute_all.hpp"
#include "measure/rank/method.hpp"

namespace heft {

/// What is no finite number where a weight is set otherwise (a model divides by it, say), as decisions take it: it matters most, so
/// that it is executed first.
constexpr double kBeyondNumbers = 1e30;
[[nodiscard]] inline double forDecisions(double impact) { return std::isfinite(impact) ? impact : kBeyondNumbers; }

/// Estimates of the selected weights by the first metric, parameter by parameter.
struct Estimated {
  std::vector<std::vector<double>> impact;  ///< by parameter, [selected weights of it]; forDecisions()
  /// By parameter: 1 where its weights have no estimate. No derivative leads to them, and yet they move the output.
  std::vector<std::uint8_t> without;

  /// Those that have estimates; parameters without are empty.
  [[nodiscard]] std::vector<std::span<const double>> spans() const;
  /// What weight number i of the estimates (Estimates' flat index) is among the selected ones.
  [[nodiscard]] std::vector<std::size_t> selected() const;
  /// The selected weights without an estimate.
  [[nodiscard]] std::vector<std::size_t> selectedWithout() const;
};

/// Estimates every selected weight and puts the estimates into the run, from the checkpoint where it holds them.
Estimated estimateSelected(const MethodTask& task, Run& run);

/// Some of these weights, `most` at random, in order; all where they are fewer.
std::vector<std::size_t> someOf(std::vector<std::size_t> weights, std::size_t most, std::uint64_t seed);

/// Those of the weights without an estimate that the method response executes: a random sample, as of those with one.
std::vector<std::size_t> sampleWithout(const MethodTask& task, const Estimated& estimated);

/// Executes weights without an estimate; their impacts. Of the others of them nothing is known, which a note says.
std::vector<double> executeWithout(const MethodTask& task, const Estimated& estimated,
                                   const std::vector<std::size_t>& chosen, Run& run);

/// The random sample that is executed to say how far off estimates are, by stratum: numbers of the estimates' weights.
std::vector<std::vector<std::size_t>> calibrationSample(const RankSettings& settings, const Estimates& estimates,
                                                        const Strata& strata);

/// What the method auto does with weights.
struct AutoWork {
  std::vector<std::size_t> without;  ///< weights without an estimate that are executed, as numbers of selected weights
  std::size_t unknown = 0;           ///< of the others of them nothing will be known
  SettleOptions settle;              ///< but for `others`
};
/// `budget`: most variants; 0: as many as it takes.
AutoWork autoWork(const MethodTask& task, const Estimated& estimated, const AutoCosts& costs, std::size_t budget);

/// Gives every estimated weight of the run its interval.
void storeIntervals(const MethodTask& task, const Estimated& estimated, const Strata& strata,
                    const Conformal& intervals, Run& run);

/// Quantiles of executed / estimated, by parameter.
std::vector<CalibrationFacts> calibrationFacts(const MethodTask& task, std::span<const CalibrationPair> pairs);

}  // namespace heft
