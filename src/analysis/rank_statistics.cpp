#include "analysis/rank_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/order.hpp"
#include "analysis/ranked_pairs.hpp"

namespace heft {
namespace {

template <class T>
struct Placed {
  T value;
  std::size_t place;
};

template <class T>
std::vector<double> ranks(std::span<const T> values) {
  std::vector<double> result(values.size(), std::numeric_limits<double>::quiet_NaN());
  std::vector<std::uint32_t> places;
  places.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) places.push_back(static_cast<std::uint32_t>(i));
  }
  if (places.empty()) return result;
  const std::vector<std::uint32_t> sorted = ascendingOrder(values, std::move(places));
  for (std::size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    while (end < sorted.size() && values[sorted[end]] == values[sorted[begin]]) ++end;
    const double mean = 0.5 * static_cast<double>(begin + 1 + end);
    for (std::size_t i = begin; i < end; ++i) result[sorted[i]] = mean;
  }
  return result;
}

template <class T>
std::vector<std::size_t> largestOf(std::span<const T> values, std::size_t k) {
  std::vector<Placed<T>> placed;
  placed.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) placed.push_back({values[i], i});
  }
  k = std::min(k, placed.size());
  const auto before = [](const auto& x, const auto& y) {
    return x.value > y.value || (x.value == y.value && x.place < y.place);
  };
  const auto end = placed.begin() + static_cast<std::ptrdiff_t>(k);
  std::nth_element(placed.begin(), end, placed.end(), before);
  std::sort(placed.begin(), end, before);
  std::vector<std::size_t> places;
  places.reserve(k);
  for (auto it = placed.begin(); it != end; ++it) places.push_back(it->place);
  return places;
}

}  // namespace

std::vector<double> meanRanks(std::span<const double> values) { return ranks(values); }
std::vector<double> meanRanks(std::span<const float> values) { return ranks(values); }

std::optional<double> spearman(std::span<const double> a, std::span<const double> b) {
  return RankedPairs(a, b).spearman();
}
std::optional<double> spearman(std::span<const float> a, std::span<const float> b) {
  return RankedPairs(a, b).spearman();
}

std::optional<double> kendallTauB(std::span<const double> a, std::span<const double> b) {
  return RankedPairs(a, b).kendallTauB();
}
std::optional<double> kendallTauB(std::span<const float> a, std::span<const float> b) {
  return RankedPairs(a, b).kendallTauB();
}

std::vector<std::size_t> largest(std::span<const double> values, std::size_t k) { return largestOf(values, k); }
std::vector<std::size_t> largest(std::span<const float> values, std::size_t k) { return largestOf(values, k); }

std::optional<double> topOverlap(std::span<const double> a, std::span<const double> b, std::size_t k) {
  return RankedPairs(a, b).topOverlap(k);
}
std::optional<double> topOverlap(std::span<const float> a, std::span<const float> b, std::size_t k) {
  return RankedPairs(a, b).topOverlap(k);
}

}  // namespace heft
