#include "analysis/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "analysis/random.hpp"
#include "heft/error.hpp"

namespace heft {

std::vector<double> resampled(std::size_t samples, const SampleStatistic& statistic, std::size_t resamples,
                              std::uint64_t seed) {
  std::vector<double> values(resamples);
  std::vector<std::size_t> drawn(samples);
  for (std::size_t r = 0; r < resamples; ++r) {
    Random random(seed, "bootstrap", r);
    for (std::size_t& place : drawn) place = random.below(samples);
    values[r] = statistic(drawn);
  }
  return values;
}

double quantileOfSorted(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

std::optional<BootstrapInterval> bootstrap(std::size_t samples, const SampleStatistic& statistic,
                                           const BootstrapOptions& options) {
  if (options.resamples == 0 || !(options.confidence > 0 && options.confidence < 1)) {
    throw Error(Fault::internal, "a bootstrap needs resamples and a confidence between 0 and 1, found " +
                                     std::to_string(options.resamples) + " and " + std::to_string(options.confidence));
  }
  if (samples == 0) return std::nullopt;
  std::vector<std::size_t> all(samples);
  std::iota(all.begin(), all.end(), std::size_t{0});
  BootstrapInterval interval;
  interval.value = statistic(all);
  std::vector<double> values = resampled(samples, statistic, options.resamples, options.seed);
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (std::isnan(interval.value) || values.empty()) return std::nullopt;

  std::sort(values.begin(), values.end());
  interval.lower = quantileOfSorted(values, 0.5 * (1 - options.confidence));
  interval.upper = quantileOfSorted(values, 0.5 * (1 + options.confidence));
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  const double squares = std::accumulate(values.begin(), values.end(), 0.0,
                                         [mean](double sum, double v) { return sum + (v - mean) * (v - mean); });
  interval.standard_error = values.size() < 2 ? 0 : std::sqrt(squares / (count - 1));
  return interval;
}

}  // namespace heft
