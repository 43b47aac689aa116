#include "analysis/ranked_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "analysis/inversions.hpp"
#include "analysis/order.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

double pairsWithin(std::size_t n) { return 0.5 * static_cast<double>(n) * (static_cast<double>(n) - 1); }

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

/// Calls `each` with the ends [begin, end) of every run of equal values.
template <class T, class Each>
void overRuns(const std::vector<T>& sorted, const Each& each) {
  for (std::size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    each(begin, end);
  }
}

template <class T>
std::vector<T> inOrder(const std::vector<T>& values, const std::vector<std::uint32_t>& order) {
  std::vector<T> sorted(order.size());
  std::transform(order.begin(), order.end(), sorted.begin(), [&](std::uint32_t place) { return values[place]; });
  return sorted;
}

/// The places of the k largest; of equal values the earlier places.
template <class T>
std::vector<std::uint32_t> topPlaces(const std::vector<T>& sorted, const std::vector<std::uint32_t>& order,
                                     std::size_t k) {
  const T edge = sorted[sorted.size() - k];
  std::vector<std::uint32_t> top, at_edge;
  std::size_t next = order.size();
  while (next > 0 && sorted[next - 1] > edge) top.push_back(order[--next]);
  while (next > 0 && sorted[next - 1] == edge) at_edge.push_back(order[--next]);
  const auto missing = static_cast<std::ptrdiff_t>(k - top.size());
  std::nth_element(at_edge.begin(), at_edge.begin() + missing - 1, at_edge.end());
  top.insert(top.end(), at_edge.begin(), at_edge.begin() + missing);
  return top;
}

}  // namespace

template <class T>
RankedPairs<T>::RankedPairs(std::span<const T> a, std::span<const T> b) {
  if (a.size() != b.size()) {
    throw Error(Fault::internal, "rank statistics need two lists of one length, found " + std::to_string(a.size()) +
                                     " and " + std::to_string(b.size()) + " values");
  }
  a_.reserve(a.size());
  b_.reserve(b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    a_.push_back(a[i]);
    b_.push_back(b[i]);
  }
  if (a_.empty()) return;
  by_b_ = ascendingOrder(std::span<const T>(b_));
  by_a_ = ascendingOrder(std::span<const T>(a_), by_b_);
  sorted_a_ = inOrder(a_, by_a_);
  sorted_b_ = inOrder(b_, by_b_);
}

template <class T>
std::optional<double> RankedPairs<T>::spearman() const {
  const double middle = 0.5 * static_cast<double>(size() + 1);
  const auto rankOf = [middle](std::size_t begin, std::size_t end) {
    return 0.5 * static_cast<double>(begin + 1 + end) - middle;
  };
  std::vector<double> rank_b(size());
  double aa = 0, bb = 0, ab = 0;
  overRuns(sorted_b_, [&](std::size_t begin, std::size_t end) {
    const double rank = rankOf(begin, end);
    for (std::size_t i = begin; i < end; ++i) rank_b[by_b_[i]] = rank;
    bb += static_cast<double>(end - begin) * rank * rank;
  });
  overRuns(sorted_a_, [&](std::size_t begin, std::size_t end) {
    const double rank = rankOf(begin, end);
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += rank_b[by_a_[i]];
    aa += static_cast<double>(end - begin) * rank * rank;
    ab += rank * sum;
  });
  if (aa == 0 || bb == 0) return std::nullopt;
  return std::clamp(ab / std::sqrt(aa) / std::sqrt(bb), -1.0, 1.0);
}

template <class T>
std::optional<double> RankedPairs<T>::kendallTauB() const {
  const std::size_t n = size();
  std::vector<std::uint32_t> rank_b(n);  // of equal values that of the first
  overRuns(sorted_b_, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) rank_b[by_b_[i]] = static_cast<std::uint32_t>(begin);
  });
  auto b = inOrder(rank_b, by_a_);
  const auto same_a = [&](auto i, auto j) { return sorted_a_[i] == sorted_a_[j]; };
  const double tied_a = tiedPairs(n, same_a);
  const double tied_b = tiedPairs(n, [&](auto i, auto j) { return sorted_b_[i] == sorted_b_[j]; });
  const double tied_both = tiedPairs(n, [&](auto i, auto j) { return same_a(i, j) && b[i] == b[j]; });
  std::vector<std::uint32_t> buffer(n);
  const double discordant = countInversions(b, buffer);
  const double all = pairsWithin(n);
  if (n < 2 || all == tied_a || all == tied_b) return std::nullopt;
  const double concordant_minus_discordant = all - tied_a - tied_b + tied_both - 2 * discordant;
  return std::clamp(concordant_minus_discordant / std::sqrt(all - tied_a) / std::sqrt(all - tied_b), -1.0, 1.0);
}

template <class T>
std::optional<double> RankedPairs<T>::topOverlap(std::size_t k) const {
  k = std::min(k, size());
  if (k == 0) return std::nullopt;
  const auto top_a = topPlaces(sorted_a_, by_a_, k), top_b = topPlaces(sorted_b_, by_b_, k);
  std::vector<bool> in_a(size());
  for (const auto place : top_a) in_a[place] = true;
  const auto common = std::count_if(top_b.begin(), top_b.end(), [&](auto place) { return in_a[place]; });
  return static_cast<double>(common) / static_cast<double>(k);
}

template class RankedPairs<float>;
template class RankedPairs<double>;

}  // namespace heft
