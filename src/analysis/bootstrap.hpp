#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace heft {

/// A statistic over samples (inputs), told by their places, of which some occur several times and some not at all.
using SampleStatistic = std::function<double(std::span<const std::size_t> samples)>;

struct BootstrapOptions {
  std::size_t resamples = 2000;  ///< the ends of a 95 % interval then come from the 50 outermost on each side
  double confidence = 0.95;
  std::uint64_t seed = 0;
};

struct BootstrapInterval {
  double value = 0;  ///< of the samples as they are
  double lower = 0;  ///< percentile interval
  double upper = 0;
  double standard_error = 0;  ///< the resamples' standard deviation
};

/// The statistic on `resamples` draws of `samples` places with replacement; draw r is the stream ("bootstrap", r) of the
/// seed. A value that is NaN stands for a draw on which the statistic means nothing.
[[nodiscard]] std::vector<double> resampled(std::size_t samples, const SampleStatistic& statistic,
                                            std::size_t resamples, std::uint64_t seed);

/// The percentile interval of Efron and Tibshirani ("An Introduction to the Bootstrap", 1993, section 13.3): the quantiles
/// (1 - confidence) / 2 and (1 + confidence) / 2 of the statistic over resamples, with linear interpolation between order
/// statistics as numpy.quantile does by default. It holds its level where there are many samples; with fewer than about 20
/// it is too narrow. NaN among the resamples is left out; no value where nothing else is left, without samples, or where
/// the statistic of the samples as they are is NaN. Throws Error(Fault::internal) for no resamples and for a confidence
/// outside (0, 1).
[[nodiscard]] std::optional<BootstrapInterval> bootstrap(std::size_t samples, const SampleStatistic& statistic,
                                                         const BootstrapOptions& options = {});

/// numpy.quantile's linear rule, of values without NaN in ascending order, at least one.
[[nodiscard]] double quantileOfSorted(std::span<const double> sorted, double share);

}  // namespace heft
