#include "analysis/ranked_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "analysis/order.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

double pairsWithin(std::size_t n) { return 0.5 * static_cast<double>(n) * (static_cast<double>(n) - 1); }

/// Merges two sorted runs of `width` each, from both ends towards the middle: two chains that don't wait for each other, neither
/// of which can leave its run before it is done. Returns how many pairs stood in the wrong order.
template <class T>
std::size_t mergeAlike(const T* run, std::size_t width, T* out) {
  const T *left = run, *right = run + width;
  const T *left_end = right - 1, *right_end = right + width - 1;
  T* back = out + 2 * width - 1;
  std::size_t inversions = 0, left_taken = 0;
  for (std::size_t i = 0; i < width; ++i) {
    // Written without a branch, which would be guessed wrong half of the time.
    const bool inverted = *right < *left;
    *out++ = inverted ? *right : *left;
    inversions += inverted ? width - static_cast<std::size_t>(left - run) : 0;
    right += inverted;
    left += !inverted;
    const bool from_left = *right_end < *left_end;
    *back-- = from_left ? *left_end : *right_end;
    inversions += from_left ? 0 : left_taken;
    left_taken += from_left;
    left_end -= from_left;
    right_end -= !from_left;
  }
  return inversions;
}

/// The same of runs of any two lengths, [begin, middle) and [middle, end).
template <class T>
std::size_t mergeAny(const T* begin, const T* middle, const T* end, T* out) {
  std::size_t inversions = 0;
  const T *left = begin, *right = middle;
  while (left < middle && right < end) {
    if (*right < *left) {
      inversions += static_cast<std::size_t>(middle - left);
      *out++ = *right++;
    } else {
      *out++ = *left++;
    }
  }
  std::copy(right, end, std::copy(left, middle, out));
  return inversions;
}

/// Sorts and returns how many pairs stood in the wrong order.
template <class T>
double sortCountingInversions(std::vector<T>& values) {
  std::vector<T> buffer(values.size());
  std::size_t inversions = 0;
  const std::size_t n = values.size();
  for (std::size_t width = 1; width < n; width *= 2) {
    for (std::size_t begin = 0; begin < n; begin += 2 * width) {
      const T* run = values.data() + begin;
      T* out = buffer.data() + begin;
      if (begin + 2 * width <= n)
        inversions += mergeAlike(run, width, out);
      else
        inversions += mergeAny(run, values.data() + std::min(begin + width, n), values.data() + n, out);
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
  auto b = inOrder(b_, by_a_);
  const auto same_a = [&](auto i, auto j) { return sorted_a_[i] == sorted_a_[j]; };
  const double tied_a = tiedPairs(n, same_a);
  const double tied_b = tiedPairs(n, [&](auto i, auto j) { return sorted_b_[i] == sorted_b_[j]; });
  const double tied_both = tiedPairs(n, [&](auto i, auto j) { return same_a(i, j) && b[i] == b[j]; });
  const double discordant = sortCountingInversions(b);
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
