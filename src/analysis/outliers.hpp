#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace heft {

/// Robust z-scores, (x - median) / (1.4826 MAD), MAD the median of |x - median|; 1.4826 makes it the standard deviation of
/// normal values (Rousseeuw, Croux, JASA 88, 1993). Outliers, which would widen a standard deviation, leave it as it is.
/// Where half of the values and more are alike, MAD is 0: then a value at the median has z = 0, any other an infinite one.
/// NaN gives NaN and takes no part. The median of an even number of values is the mean of the middle two. O(n).
[[nodiscard]] std::vector<double> robustZScores(std::span<const double> values);
[[nodiscard]] std::vector<double> robustZScores(std::span<const float> values);

/// The lower edges of the bins of |z|; the last one has no upper edge, and infinity belongs to it.
inline constexpr std::array<double, 6> kOutlierEdges{0, 1, 2, 3, 5, 8};

/// What the weights do whose |z| lies in [from, next edge).
struct OutlierBin {
  double from = 0;
  std::size_t count = 0;
  double share = 0;            ///< of all weights counted
  double mean_impact = 0;      ///< NaN for an empty bin
  double root_sum_square = 0;  ///< sqrt(sum of impact^2): the joint impact, were the weights' effects uncorrelated
};

/// A pair in which z or impact is NaN is left out. Throws Error(Fault::internal) for lists of two lengths.
[[nodiscard]] std::array<OutlierBin, kOutlierEdges.size()> outlierBins(std::span<const double> z,
                                                                       std::span<const double> impact);

}  // namespace heft
