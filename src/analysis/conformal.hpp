#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace heft {

/// Split-conformal intervals for the impact of weights that were not executed.
///
/// The promise is marginal: draw a weight at random from a pool, and with probability at least 1 - alpha
/// (over that draw and the calibration sample) its true impact lies in the interval. It rests on one thing:
/// that the calibration draws are a random sample of the pool. So
///  - only the random calibration sample goes in. Never candidates for the top or audit draws: they were
///  chosen
///    by their estimate, and their errors are of another kind;
///  - `populations` counts the weights the sample stands for. After the top has been executed down to a cut,
///    weights above the cut leave both the populations and the sample (see settle.hpp);
///  - strata sampled at different rates are not exchangeable. Where they share a pool, draw i of stratum s
///  weighs
///    N_s / n_s, and the weight in question counts with the largest of these (weighted conformal prediction:
///    Tibshirani, Barber, Candes, Ramdas, NeurIPS 2019). A stratum of the pool without a draw counts as if
///    all of it lay outside.
///
/// Pools are a partition of the strata, so the promise holds over all weights together too. A stratum has a
/// pool of its own where its draws suffice for alpha (n >= 2 / alpha - 1 with equal weights); otherwise it
/// joins the next deciles of its matrix; a matrix that is too small as a whole joins the other small ones,
/// and where these don't suffice, the next larger matrices one by one. If that is too little still, the
/// interval is [0, infinity) and says so by PoolLevel::none.
///
/// Estimates of zero have no ratio: their interval is [0, q], q the one-sided quantile of the measured
/// impacts.

/// What a stratum's quantiles were taken from.
enum class PoolLevel { stratum, deciles, matrix, matrices, none };
[[nodiscard]] std::string_view name(PoolLevel level) noexcept;

struct CalibrationPair {
  std::size_t stratum;  ///< of stratify.hpp
  double estimate;
  double measured;
};

struct IntervalRule {
  double low = 0;                                         ///< factor on the estimate; 0 for a zero estimate
  double high = std::numeric_limits<double>::infinity();  ///< factor on the estimate, or the impact itself
                                                          ///< for a zero estimate
  PoolLevel level = PoolLevel::none;
  std::size_t draws = 0;  ///< calibration pairs behind it
};

struct Interval {
  double lower = 0;
  double upper = 0;  ///< may be infinite
};

/// One weighted draw of a pool.
struct WeightedValue {
  double value;
  double weight;
};

/// The bounds that a further draw of weight `own` keeps with probability at least 1 - below on the low side
/// and 1 - above on the high side; 0 and infinity where the values are too few. `outside` is weight of
/// unknown value. With equal weights: the floor((n + 1) below)-th and the ceil((n + 1) (1 - above))-th
/// smallest value.
[[nodiscard]] Interval conformalBounds(std::vector<WeightedValue> values, double own, double outside, double below,
                                       double above);

class Conformal {
 public:
  /// populations: by stratum, how many weights the pairs of this stratum were drawn from. Throws
  /// Error(Fault::internal) where a measured impact is negative or NaN or alpha is outside (0, 1).
  Conformal(std::span<const CalibrationPair> pairs, std::span<const std::size_t> populations, double alpha);

  [[nodiscard]] const IntervalRule& rule(std::size_t stratum) const { return rules_[stratum]; }
  /// For a weight of this stratum that was not executed.
  [[nodiscard]] Interval interval(std::size_t stratum, double estimate) const;

 private:
  std::vector<IntervalRule> rules_;
};

}  // namespace heft
