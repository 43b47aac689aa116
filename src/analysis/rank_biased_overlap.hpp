#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace heft {

/// Rank-biased overlap of two rankings cut at a depth, with the largest scores first.
struct RankBiasedOverlap {
  double value = 0;       ///< in [0, 1]; 1 for the same ranking
  std::size_t depth = 0;  ///< places that were looked at
  double error = 0;       ///< the value of any greater depth, or of the whole lists, lies within this
};

/// The extrapolated overlap, RBO_ext, of two lists of scores (Webber, Moffat, Zobel, "A similarity measure for
/// indefinite rankings", ACM TOIS 28, 2010; ties as they propose there):
///
///     RBO_ext = A_k p^k + (1 - p) / p * sum over d = 1 ... k of A_d p^d,
///     A_d = 2 X_d / (R_d + S_d),
///
/// with k the depth, R_d and S_d the places whose rank in one list is at most d, and X_d those of both. Equal scores
/// share the rank of their first place, so a tied group is taken in whole as soon as its first place is reached; without
/// ties R_d = S_d = d. A constant list is one tied group, and two constant lists agree fully.
///
/// `p` in (0, 1) says how top-heavy it is: a reader goes on to the next place with probability p, looks at 1 / (1 - p)
/// places on average, and the first of them count for nearly all (0.98: the first 50 carry 86 %). Pairs in which either
/// is NaN are left out.
///
/// The depth is the smallest with p^k <= tolerance, or all pairs: going deeper changes the agreements beyond k, which lie
/// in [0, 1] and carry a weight of p^k. So it costs O(n) to select the top and O(m log m) beyond, where m is the depth,
/// and the tied scores that reach across it.
///
/// No value without pairs. Throws Error(Fault::internal) for lists of two lengths, and for p or tolerance outside (0, 1).
[[nodiscard]] std::optional<RankBiasedOverlap> rankBiasedOverlap(std::span<const double> a, std::span<const double> b,
                                                                 double p = 0.98, double tolerance = 1e-9);
[[nodiscard]] std::optional<RankBiasedOverlap> rankBiasedOverlap(std::span<const float> a, std::span<const float> b,
                                                                 double p = 0.98, double tolerance = 1e-9);

/// A score of a list's top: which one, and its rank from 1, equal scores sharing that of their first.
struct RankedPlace {
  std::size_t place, rank;
};

/// How many places of so many pairs are looked at.
[[nodiscard]] std::size_t overlapDepth(std::size_t pairs, double p = 0.98, double tolerance = 1e-9);

/// The same of tops alone: the `depth` largest scores of each list and those tied with the last of them, by ascending place; any
/// numbers that tell the pairs apart are places.
[[nodiscard]] RankBiasedOverlap overlapOfTops(std::span<const RankedPlace> a, std::span<const RankedPlace> b,
                                              std::size_t depth, std::size_t pairs, double p = 0.98);

}  // namespace heft
