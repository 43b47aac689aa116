#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/conformal.hpp"
#include "analysis/stratify.hpp"

namespace heft {

/// The top k of all weights as a set, from estimates of all and executions of few.
///
/// 1. Calibration: a random stratified sample is executed (stratify.hpp). It gives the intervals of
///    conformal.hpp.
/// 2. Top: weights are executed from the largest estimate down, until no other weight reaches the threshold,
///    the k-th largest impact so far, even if its estimate were as far too low as the worst one of its
///    parameter seen near the top. "Near" is a measured impact of at least a tenth of the threshold: ratios
///    of tiny impacts say nothing about large ones. A parameter with fewer than 20 such weights takes the
///    worst ratio of all parameters.
/// 3. Audit: other weights are executed at random, more of those close to the threshold, and the number of
///    members that were missed is bounded (audit.hpp gives the bound and what it assumes). Is one found, it
///    joins the top, 2 widens and a new audit follows, with half the error probability of the one before.
///
/// 4. Wide intervals: where the intervals of a parameter's other weights span more than `wide`, and there is something to `spare`,
///    its weights are executed from the largest estimate down, the widest parameter first.
///
/// The promise: with probability `confidence`, at most `missing` weights outside `top` have an impact above
/// `threshold`. The top is settled where that is at most floor(miss k): none for k < 100 by default, since a
/// fifth of a member can't be missing. Weights of exactly the threshold's impact are not missed: they tie
/// with the k-th place.
///
/// What the promise does not cover, besides the assumption of audit.hpp: weights of estimate zero count as if
/// their estimate were the largest impact that the calibration measured among the zeros of their parameter.
/// Where all of those are zero, none of the others is audited.

/// Executes weights: their impacts, in the order of `flat`. The same weight must always have the same impact.
/// `purpose` is "calibration", "top", "audit" or "wide". No weight is asked for twice. May throw to stop.
using MeasureImpacts = std::function<std::vector<double>(std::span<const std::size_t> flat, std::string_view purpose)>;

struct SettleOptions {
  std::size_t k = 20;
  double miss = 0.01;                 ///< share of the top k that may be missing for it to count as settled
  double alpha = 0.05;                ///< an interval holds with probability 1 - alpha
  double confidence = 0.95;           ///< of the bound on missing members
  std::size_t calibration_draws = 0;  ///< 0: defaultCalibrationDraws
  std::size_t budget = 0;             ///< most weights to execute in all; 0: no limit
  std::size_t audit_limit = 5000;     ///< most weights one audit is expected to execute: minutes, not days,
                                      ///< where very many weights lie just below the threshold
  /// Weights that may be executed beyond what the top takes, where intervals are wide; with a budget, all that is left of it.
  std::size_t spare = 0;
  double wide = 0.1;  ///< half of an interval, relative to the estimate, that is called wide
  std::vector<double>
      others{};  ///< impacts of weights without an estimate that were executed; they have places in the top
  std::uint64_t seed = 0;
};

struct ExecutedWeight {
  std::size_t flat = 0;
  double impact = 0;
};

struct SettleResult {
  std::vector<std::size_t>
      top;  ///< min(k, executed) flat indices, by executed impact, largest first; ties in flat order; no `others`
  bool settled = false;
  double missing = 0;        ///< upper bound, a whole number; k where nothing is known
  double threshold = 0;      ///< impact of the last place of the top; 0 while fewer than k are executed
  std::size_t executed = 0;  ///< weights executed in all, but for `others`
  std::size_t audited = 0;   ///< of these, by audits
  std::size_t audits = 0;
  std::string why;  ///< a sentence, where the top isn't settled

  std::vector<ExecutedWeight> impacts;       ///< every executed weight once, in flat order
  std::vector<CalibrationPair> calibration;  ///< the whole random sample; Strata::parameterOf says whose
  Strata strata;                             ///< of the estimates
  Conformal intervals;                       ///< of weights that were not executed
};

/// 80 draws a parameter, within 400 to 1,000; for an alpha below 0.05 as many more as its quantiles need.
[[nodiscard]] std::size_t defaultCalibrationDraws(const Estimates& estimates, double alpha);
/// Likewise of this many parameters with this many weights together.
[[nodiscard]] std::size_t defaultCalibrationDraws(std::size_t parameters, std::size_t weights, double alpha);

/// By parameter: the middle of what the intervals of its weights that were not executed span, half of it and relative to the
/// estimate; infinite where they have no upper bound, 0 where all were executed or estimates are zero.
[[nodiscard]] std::vector<double> intervalWidths(const Estimates& estimates, const Strata& strata,
                                                 const Conformal& intervals,
                                                 const std::function<bool(std::size_t flat)>& executed);

/// Draws that the one-sided interval of zero estimates needs.
[[nodiscard]] std::size_t zeroDraws(double alpha);

/// Depends on its arguments alone, so a run that was stopped goes on by calling it again with what was
/// measured at hand. Throws Error(Fault::usage) for options without meaning and Error(Fault::internal) for a
/// measured impact that is negative or NaN.
[[nodiscard]] SettleResult settle(const Estimates& estimates, const SettleOptions& options,
                                  const MeasureImpacts& measure);

}  // namespace heft
