#pragma once

#include <cstdint>
#include <span>

namespace heft {

/// How many pairs stand in the wrong order, the larger one first; equal values never do. For small numbers below 2^31, as ranks
/// are: a stable split by each bit, the highest first, whose cost is n times the bits of the largest. `values` and `buffer`, which
/// is as long, hold anything afterwards.
[[nodiscard]] double countInversions(std::span<std::uint32_t> values, std::span<std::uint32_t> buffer);

}  // namespace heft
