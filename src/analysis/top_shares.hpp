#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace heft {

/// Who comes in with which share of the top: [shares + 1][lists], places ascending. The first entry holds the largest
/// round(shares[0] x count) of all lists' values, the next those that shares[1] adds, the last what none takes; of equal values the
/// earlier list and place comes first. `shares` ascend, NaN is in no entry and not counted. Linear, without sorting.
[[nodiscard]] std::vector<std::vector<std::vector<std::uint32_t>>> topShares(std::span<const std::vector<float>> lists,
                                                                             std::span<const double> shares);

}  // namespace heft
