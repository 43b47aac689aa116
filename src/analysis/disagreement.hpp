#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace heft {

/// Places in two lists that people want to see where magnitude and impact disagree.
struct Disagreement {
  std::vector<std::size_t> large_but_inert;  ///< of the `large` share by |weight|, those of least impact, least first
  std::vector<std::size_t> small_but_critical;  ///< of the smaller half by |weight|, those of most impact, most first
};

/// `weight` and `impact` are [weights]; NaN impacts take no part. At most `count` places a list, equal impacts in the
/// order of their places. Both lists are empty where fewer than `least` weights have an impact: too few to call any of
/// them large. Linear but for the lists themselves. Throws Error(Fault::internal) where the lengths differ.
[[nodiscard]] Disagreement disagreementOf(std::span<const float> weight, std::span<const float> impact,
                                          std::size_t count, double large = 0.01, std::size_t least = 20);

/// 1 + how many of `values` are above each of `of`, by |value|; NaN counts for nothing. O(values x log of).
[[nodiscard]] std::vector<std::size_t> ranksAmong(std::span<const float> of, std::span<const float> values);

}  // namespace heft
