#include "analysis/rank_biased_overlap.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "heft/error.hpp"

namespace heft {
namespace {

void requireShare(double value, const char* what) {
  if (!(value > 0 && value < 1)) {
    throw Error(Fault::internal, std::string(what) + " must lie between 0 and 1, found " + std::to_string(value));
  }
}

/// The `depth` largest values and what is tied with the last of them, by place; `values` without NaN.
template <class T>
std::vector<RankedPlace> topOf(const std::vector<T>& values, std::size_t depth) {
  std::vector<T> sorted = values;
  const auto last = sorted.begin() + static_cast<std::ptrdiff_t>(depth - 1);
  std::nth_element(sorted.begin(), last, sorted.end(), std::greater<>());
  const T smallest = *last;
  std::vector<RankedPlace> top;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= smallest) top.push_back({i, 0});
  }
  const auto value = [&](const RankedPlace& one) { return values[one.place]; };
  std::sort(top.begin(), top.end(), [&](const RankedPlace& x, const RankedPlace& y) { return value(x) > value(y); });
  for (std::size_t i = 0; i < top.size(); ++i) {
    const bool tied = i > 0 && value(top[i]) == value(top[i - 1]);
    top[i].rank = tied ? top[i - 1].rank : i + 1;
  }
  std::sort(top.begin(), top.end(), [](const RankedPlace& x, const RankedPlace& y) { return x.place < y.place; });
  return top;
}

/// How many ranks are at most d, for d = 0 ... depth.
std::vector<double> countUpTo(std::span<const RankedPlace> top, std::size_t depth) {
  std::vector<double> counts(depth + 1);
  for (const RankedPlace& one : top) counts[one.rank] += 1;
  for (std::size_t d = 1; d <= depth; ++d) counts[d] += counts[d - 1];
  return counts;
}

/// Those in both tops, each with the rank at which the later list has it.
std::vector<RankedPlace> inBothOf(std::span<const RankedPlace> a, std::span<const RankedPlace> b) {
  std::vector<RankedPlace> both;
  auto other = b.begin();
  for (const RankedPlace& one : a) {
    while (other != b.end() && other->place < one.place) ++other;
    if (other == b.end()) break;
    if (other->place == one.place) both.push_back({one.place, std::max(one.rank, other->rank)});
  }
  return both;
}

template <class T>
std::optional<RankBiasedOverlap> overlapOf(std::span<const T> a, std::span<const T> b, double p, double tolerance) {
  if (a.size() != b.size()) {
    throw Error(Fault::internal, "rank-biased overlap needs two lists of one length, found " +
                                     std::to_string(a.size()) + " and " + std::to_string(b.size()) + " values");
  }
  requireShare(p, "the persistence p");
  requireShare(tolerance, "the tolerance");
  std::vector<T> kept_a, kept_b;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    kept_a.push_back(a[i]);
    kept_b.push_back(b[i]);
  }
  if (kept_a.empty()) return std::nullopt;

  const std::size_t depth = overlapDepth(kept_a.size(), p, tolerance);
  return overlapOfTops(topOf(kept_a, depth), topOf(kept_b, depth), depth, kept_a.size(), p);
}

}  // namespace

std::size_t overlapDepth(std::size_t pairs, double p, double tolerance) {
  const double wanted = std::ceil(std::log(tolerance) / std::log(p));
  return wanted >= static_cast<double>(pairs) ? pairs : std::max<std::size_t>(1, static_cast<std::size_t>(wanted));
}

RankBiasedOverlap overlapOfTops(std::span<const RankedPlace> a, std::span<const RankedPlace> b, std::size_t depth,
                                std::size_t pairs, double p) {
  const std::vector<double> in_a = countUpTo(a, depth), in_b = countUpTo(b, depth);
  const std::vector<double> in_both = countUpTo(inBothOf(a, b), depth);
  double sum = 0, weight = 1 - p, agreement = 0;
  for (std::size_t d = 1; d <= depth; ++d) {
    agreement = 2 * in_both[d] / (in_a[d] + in_b[d]);
    sum += weight * agreement;
    weight *= p;
  }
  const double beyond = std::pow(p, static_cast<double>(depth));
  return {std::clamp(sum + agreement * beyond, 0.0, 1.0), depth, depth == pairs ? 0 : beyond};
}

std::optional<RankBiasedOverlap> rankBiasedOverlap(std::span<const double> a, std::span<const double> b, double p,
                                                   double tolerance) {
  return overlapOf(a, b, p, tolerance);
}

std::optional<RankBiasedOverlap> rankBiasedOverlap(std::span<const float> a, std::span<const float> b, double p,
                                                   double tolerance) {
  return overlapOf(a, b, p, tolerance);
}

}  // namespace heft
