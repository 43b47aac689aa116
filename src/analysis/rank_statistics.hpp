#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace heft {

/// Rank statistics of two criteria over the same weights. NaN stands for "no value": a pair in which either
/// side is NaN is left out (SciPy's nan_policy="omit"). Both spans must be of one length, else
/// Error(Fault::internal).

/// Ranks from 1 for the smallest; equal values share the mean of their ranks; NaN keeps NaN and takes no
/// rank.
[[nodiscard]] std::vector<double> meanRanks(std::span<const double> values);
[[nodiscard]] std::vector<double> meanRanks(std::span<const float> values);

/// Pearson's correlation of the mean ranks. No value where fewer than two pairs are left or one side is
/// constant.
[[nodiscard]] std::optional<double> spearman(std::span<const double> a, std::span<const double> b);
[[nodiscard]] std::optional<double> spearman(std::span<const float> a, std::span<const float> b);

/// Kendall's tau-b = (C - D) / sqrt((n0 - ties of a) (n0 - ties of b)), n0 = n (n - 1) / 2, in O(n log n)
/// (Knight, JASA 61, 1966). No value where fewer than two pairs are left or one side is constant.
[[nodiscard]] std::optional<double> kendallTauB(std::span<const double> a, std::span<const double> b);
[[nodiscard]] std::optional<double> kendallTauB(std::span<const float> a, std::span<const float> b);

/// The places of the k largest values, largest first; of equal values the earlier place comes first; never
/// NaN.
[[nodiscard]] std::vector<std::size_t> largest(std::span<const double> values, std::size_t k);
[[nodiscard]] std::vector<std::size_t> largest(std::span<const float> values, std::size_t k);

/// The share of the k largest of `a` that are among the k largest of `b`, over the pairs without NaN; chance
/// gives k / n. k is cut to the pairs there are; no value where that leaves none.
[[nodiscard]] std::optional<double> topOverlap(std::span<const double> a, std::span<const double> b, std::size_t k);
[[nodiscard]] std::optional<double> topOverlap(std::span<const float> a, std::span<const float> b, std::size_t k);

}  // namespace heft
