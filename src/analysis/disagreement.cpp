#include "analysis/disagreement.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "heft/error.hpp"

namespace heft {
namespace {

/// The `count` first places of `from` by `before`.
std::vector<std::size_t> firstOf(std::vector<std::size_t> from, std::size_t count,
                                 const std::function<bool(std::size_t, std::size_t)>& before) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(count, from.size()));
  std::partial_sort(from.begin(), end, from.end(), before);
  from.erase(end, from.end());
  return from;
}

float magnitudeAt(std::vector<float> magnitudes, std::size_t from_largest) {
  const auto place = magnitudes.begin() + static_cast<std::ptrdiff_t>(from_largest);
  std::nth_element(magnitudes.begin(), place, magnitudes.end(), std::greater<>());
  return *place;
}

}  // namespace

Disagreement disagreementOf(std::span<const float> weight, std::span<const float> impact, std::size_t count,
                            double large, std::size_t least) {
  if (impact.size() != weight.size())
    throw Error(Fault::internal, "disagreement of " + std::to_string(weight.size()) + " weights and " +
                                     std::to_string(impact.size()) + " impacts");
  std::vector<float> magnitudes;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (!std::isnan(impact[i]) && !std::isnan(weight[i])) magnitudes.push_back(std::abs(weight[i]));
  }
  if (magnitudes.size() < std::max<std::size_t>(least, 2)) return {};
  const auto largest = static_cast<std::size_t>(std::ceil(large * static_cast<double>(magnitudes.size())));
  const float large_from = magnitudeAt(magnitudes, std::max<std::size_t>(largest, 1) - 1);
  const float small_below = magnitudeAt(magnitudes, magnitudes.size() / 2);
  std::vector<std::size_t> big, small;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (std::isnan(impact[i])) continue;
    const float magnitude = std::abs(weight[i]);
    if (magnitude >= large_from && magnitude > small_below) big.push_back(i);
    if (magnitude <= small_below && impact[i] > 0) small.push_back(i);
  }
  return {
      firstOf(std::move(big), count,
              [&](std::size_t a, std::size_t b) { return impact[a] < impact[b] || (impact[a] == impact[b] && a < b); }),
      firstOf(std::move(small), count, [&](std::size_t a, std::size_t b) {
        return impact[a] > impact[b] || (impact[a] == impact[b] && a < b);
      })};
}

std::vector<std::size_t> ranksAmong(std::span<const float> of, std::span<const float> values) {
  std::vector<float> sorted;
  for (const float value : of) sorted.push_back(std::isnan(value) ? 0 : std::abs(value));
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::size_t> larger_than(sorted.size() + 1, 0);  // values above exactly i of the sorted ones
  for (const float value : values) {
    if (std::isnan(value)) continue;
    ++larger_than[static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), std::abs(value)) -
                                           sorted.begin())];
  }
  std::vector<std::size_t> above(sorted.size() + 1, 0);
  for (std::size_t i = sorted.size(); i-- > 0;) above[i] = above[i + 1] + larger_than[i + 1];
  std::vector<std::size_t> ranks;
  for (const float value : of) {
    const float magnitude = std::isnan(value) ? 0 : std::abs(value);
    const auto end = std::upper_bound(sorted.begin(), sorted.end(), magnitude);
    ranks.push_back(1 + above[static_cast<std::size_t>(end - sorted.begin()) - 1]);
  }
  return ranks;
}

}  // namespace heft
