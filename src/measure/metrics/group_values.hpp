#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "run/stored/settings.hpp"

namespace heft {

/// A variant's impacts on each group of the outputs.
struct GroupValues {
  std::vector<double> value;           ///< [groups]
  std::vector<double> standard_error;  ///< [groups], over the samples that the group has parts of
};

/// Sums up what OutputMetrics::parts gives for one variant: with m the mean over a group's parts of all samples, the value is
/// sqrt(m) for rms, |m| for loss, the largest part for max, else m. The standard error is that of a ratio of sums over samples,
/// sqrt(n / (n - 1) sum_s (S_s - m N_s)^2) / sum_s N_s, with S_s and N_s a sample's sum and number of parts (Cochran, Sampling
/// Techniques, 6.4): where all have as many, it is that of a mean. For rms by the delta method; NaN for max and one sample.
///
/// `parts` and `group_of` are [samples, parts], row-major; a part whose group is below 0 is in none. The order of the sums
/// depends on the shapes alone, so that results do on nothing else.
[[nodiscard]] GroupValues groupValues(Metric metric, std::span<const double> parts,
                                      std::span<const std::int32_t> group_of, std::size_t samples, std::size_t groups);

}  // namespace heft
