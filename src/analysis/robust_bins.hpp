#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analysis/impact_sums.hpp"

namespace heft {

/// The middle of some values and their spread, neither moved by outliers.
struct RobustScale {
  double median = 0;
  double deviation = 0;  ///< 1.4826 x the median absolute deviation: a normal distribution's standard deviation
};

/// Over the values that are not NaN; none where there are none. The median of an even number is the mean of the middle two.
[[nodiscard]] std::optional<RobustScale> robustScale(std::span<const float> values);

/// Where bins of the robust z-score |w - median| / deviation begin; the last has no end.
inline constexpr std::array<double, 6> outlierBinEdges{0, 1, 2, 3, 4, 6};
/// From here on a weight is called an outlier.
inline constexpr double outlierFrom = 3;

/// The impacts of a matrix's weights by how far each lies from the middle, one a bin of `outlierBinEdges`. All in the first
/// bin where the deviation is 0 and the weight is the median, in the last where it isn't. A weight without an impact (NaN)
/// takes part in neither the scale nor the bins. The spans must be of one length, else Error(Fault::internal).
[[nodiscard]] std::vector<ImpactSums> sumsByOutlierBin(std::span<const float> weight, std::span<const float> impact,
                                                       std::span<const std::uint8_t> executed);

}  // namespace heft
