#include "analysis/robust_bins.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "heft/error.hpp"

namespace heft {
namespace {

/// Reorders `values`, which must not be empty.
double medianOf(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  const double upper = *middle;
  if (values.size() % 2 == 1) return upper;
  return (upper + *std::max_element(values.begin(), middle)) / 2;
}

std::size_t binOf(double z) {
  const auto next = std::upper_bound(outlierBinEdges.begin(), outlierBinEdges.end(), z);
  return static_cast<std::size_t>(next - outlierBinEdges.begin()) - 1;
}

double scoreOf(double value, const RobustScale& scale) {
  const double distance = std::abs(value - scale.median);
  if (scale.deviation > 0) return distance / scale.deviation;
  return distance > 0 ? std::numeric_limits<double>::infinity() : 0;
}

}  // namespace

std::optional<RobustScale> robustScale(std::span<const float> values) {
  constexpr double normal = 1.4826;  // 1 / the upper quartile of a standard normal distribution
  std::vector<float> kept;
  kept.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept), [](float value) { return !std::isnan(value); });
  if (kept.empty()) return std::nullopt;
  RobustScale scale;
  scale.median = medianOf(kept);
  for (float& value : kept) value = static_cast<float>(std::abs(value - scale.median));
  scale.deviation = normal * medianOf(kept);
  return scale;
}

std::vector<ImpactSums> sumsByOutlierBin(std::span<const float> weight, std::span<const float> impact,
                                         std::span<const std::uint8_t> executed) {
  if (impact.size() != weight.size() || executed.size() != weight.size())
    throw Error(Fault::internal, "outlier bins of " + std::to_string(weight.size()) + " weights and " +
                                     std::to_string(impact.size()) + " impacts");
  std::vector<float> part;
  part.reserve(weight.size());
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (!std::isnan(impact[i])) part.push_back(weight[i]);
  }
  std::vector<ImpactSums> bins(outlierBinEdges.size());
  const std::optional<RobustScale> scale = robustScale(part);
  if (!scale) return bins;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (std::isnan(impact[i]) || std::isnan(weight[i])) continue;
    bins[binOf(scoreOf(weight[i], *scale))].add(impact[i], executed[i] != 0);
  }
  return bins;
}

}  // namespace heft
