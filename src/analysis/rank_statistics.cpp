#include "analysis/rank_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "analysis/order.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

template <class T>
struct Pairs {
  std::vector<T> a, b;
};

template <class T>
Pairs<T> completePairs(std::span<const T> a, std::span<const T> b) {
  if (a.size() != b.size()) {
    throw Error(Fault::internal, "rank statistics need two lists of one length, found " + std::to_string(a.size()) +
                                     " and " + std::to_string(b.size()) + " values");
  }
  Pairs<T> pairs;
  pairs.a.reserve(a.size());
  pairs.b.reserve(b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    pairs.a.push_back(a[i]);
    pairs.b.push_back(b[i]);
  }
  return pairs;
}

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
std::optional<double> spearmanOf(std::span<const T> a, std::span<const T> b) {
  const Pairs<T> pairs = completePairs(a, b);
  const auto ra = ranks(std::span<const T>(pairs.a));
  const auto rb = ranks(std::span<const T>(pairs.b));
  const double mean = 0.5 * static_cast<double>(ra.size() + 1);
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < ra.size(); ++i) {
    const double da = ra[i] - mean, db = rb[i] - mean;
    aa += da * da;
    bb += db * db;
    ab += da * db;
  }
  if (aa == 0 || bb == 0) return std::nullopt;
  return std::clamp(ab / std::sqrt(aa) / std::sqrt(bb), -1.0, 1.0);
}

double pairsWithin(std::size_t n) { return 0.5 * static_cast<double>(n) * (static_cast<double>(n) - 1); }

/// Sorts and returns how many pairs stood in the wrong order.
template <class T>
double sortCountingInversions(std::vector<T>& values) {
  std::vector<T> buffer(values.size());
  std::size_t inversions = 0;
  for (std::size_t width = 1; width < values.size(); width *= 2) {
    for (std::size_t begin = 0; begin < values.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, values.size());
      const std::size_t end = std::min(begin + 2 * width, values.size());
      std::size_t left = begin, right = middle, out = begin;
      while (left < middle && right < end) {
        // Written without a branch, which would be guessed wrong half of the time.
        const T from_left = values[left], from_right = values[right];
        const std::size_t inverted = from_right < from_left ? 1 : 0;
        buffer[out++] = std::min(from_left, from_right);
        inversions += inverted * (middle - left);
        right += inverted;
        left += 1 - inverted;
      }
      while (left < middle) buffer[out++] = values[left++];
      while (right < end) buffer[out++] = values[right++];
    }
    values.swap(buffer);
  }
  return static_cast<double>(inversions);
}

/// Pairs of equal neighbours, over runs of `same`.
template <class Same>
double tiedPairs(std::size_t n, Same same) {
  double tied = 0;
  for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
    end = begin + 1;
    while (end < n && same(begin, end)) ++end;
    tied += pairsWithin(end - begin);
  }
  return tied;
}

template <class T>
std::optional<double> kendallOf(std::span<const T> a, std::span<const T> b) {
  const Pairs<T> pairs = completePairs(a, b);
  const std::size_t n = pairs.a.size();
  const std::span<const T> pairs_a(pairs.a), pairs_b(pairs.b);
  // By a, and by b where a is equal.
  const std::vector<std::uint32_t> order = ascendingOrder(pairs_a, ascendingOrder(pairs_b));
  std::vector<T> sorted_a, by_a;
  sorted_a.reserve(n);
  by_a.reserve(n);
  for (const std::uint32_t place : order) {
    sorted_a.push_back(pairs.a[place]);
    by_a.push_back(pairs.b[place]);
  }
  const auto same_a = [&](auto i, auto j) { return sorted_a[i] == sorted_a[j]; };
  const double tied_a = tiedPairs(n, same_a);
  const double tied_both = tiedPairs(n, [&](auto i, auto j) { return same_a(i, j) && by_a[i] == by_a[j]; });
  const double discordant = sortCountingInversions(by_a);
  const double tied_b = tiedPairs(n, [&](auto i, auto j) { return by_a[i] == by_a[j]; });
  const double all = pairsWithin(n);
  if (n < 2 || all == tied_a || all == tied_b) return std::nullopt;
  const double concordant_minus_discordant = all - tied_a - tied_b + tied_both - 2 * discordant;
  return std::clamp(concordant_minus_discordant / std::sqrt(all - tied_a) / std::sqrt(all - tied_b), -1.0, 1.0);
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

template <class T>
std::optional<double> overlapOf(std::span<const T> a, std::span<const T> b, std::size_t k) {
  const Pairs<T> pairs = completePairs(a, b);
  auto top_a = largestOf(std::span<const T>(pairs.a), k);
  auto top_b = largestOf(std::span<const T>(pairs.b), k);
  if (top_a.empty()) return std::nullopt;
  std::sort(top_a.begin(), top_a.end());
  std::sort(top_b.begin(), top_b.end());
  std::vector<std::size_t> common;
  std::set_intersection(top_a.begin(), top_a.end(), top_b.begin(), top_b.end(), std::back_inserter(common));
  return static_cast<double>(common.size()) / static_cast<double>(top_a.size());
}

}  // namespace

std::vector<double> meanRanks(std::span<const double> values) { return ranks(values); }
std::vector<double> meanRanks(std::span<const float> values) { return ranks(values); }

std::optional<double> spearman(std::span<const double> a, std::span<const double> b) { return spearmanOf(a, b); }
std::optional<double> spearman(std::span<const float> a, std::span<const float> b) { return spearmanOf(a, b); }

std::optional<double> kendallTauB(std::span<const double> a, std::span<const double> b) { return kendallOf(a, b); }
std::optional<double> kendallTauB(std::span<const float> a, std::span<const float> b) { return kendallOf(a, b); }

std::vector<std::size_t> largest(std::span<const double> values, std::size_t k) { return largestOf(values, k); }
std::vector<std::size_t> largest(std::span<const float> values, std::size_t k) { return largestOf(values, k); }

std::optional<double> topOverlap(std::span<const double> a, std::span<const double> b, std::size_t k) {
  return overlapOf(a, b, k);
}
std::optional<double> topOverlap(std::span<const float> a, std::span<const float> b, std::size_t k) {
  return overlapOf(a, b, k);
}

}  // namespace heft
