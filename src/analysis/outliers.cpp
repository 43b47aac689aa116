#include "analysis/outliers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "heft/error.hpp"

namespace heft {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kNormal = 1.4826;

/// Of values without NaN, at least one.
double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*std::max_element(values.begin(), middle) + *middle);
}

template <class T>
std::vector<double> zScoresOf(std::span<const T> values) {
  std::vector<double> kept;
  kept.reserve(values.size());
  for (const T value : values) {
    if (!std::isnan(value)) kept.push_back(static_cast<double>(value));
  }
  std::vector<double> scores(values.size(), kNaN);
  if (kept.empty()) return scores;
  const double centre = median(kept);
  for (double& value : kept) value = std::abs(value - centre);
  const double scale = kNormal * median(kept);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double away = static_cast<double>(values[i]) - centre;
    scores[i] = away == 0 ? 0 : away / scale;  // 0 / 0 where most values are alike
  }
  return scores;
}

}  // namespace

std::vector<double> robustZScores(std::span<const double> values) { return zScoresOf(values); }
std::vector<double> robustZScores(std::span<const float> values) { return zScoresOf(values); }

std::array<OutlierBin, kOutlierEdges.size()> outlierBins(std::span<const double> z, std::span<const double> impact) {
  if (z.size() != impact.size()) {
    throw Error(Fault::internal, "outlier bins need a z-score and an impact for each weight, found " +
                                     std::to_string(z.size()) + " and " + std::to_string(impact.size()));
  }
  std::array<OutlierBin, kOutlierEdges.size()> bins;
  std::array<double, kOutlierEdges.size()> sums{};
  std::size_t counted = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    if (std::isnan(z[i]) || std::isnan(impact[i])) continue;
    const auto above = std::upper_bound(kOutlierEdges.begin(), kOutlierEdges.end(), std::abs(z[i]));
    const auto bin = static_cast<std::size_t>(above - kOutlierEdges.begin()) - 1;
    ++counted;
    ++bins[bin].count;
    sums[bin] += impact[i];
    bins[bin].root_sum_square += impact[i] * impact[i];
  }
  for (std::size_t bin = 0; bin < bins.size(); ++bin) {
    const auto count = static_cast<double>(bins[bin].count);
    bins[bin].from = kOutlierEdges[bin];
    bins[bin].share = counted == 0 ? 0 : count / static_cast<double>(counted);
    bins[bin].mean_impact = bins[bin].count == 0 ? kNaN : sums[bin] / count;
    bins[bin].root_sum_square = std::sqrt(bins[bin].root_sum_square);
  }
  return bins;
}

}  // namespace heft
