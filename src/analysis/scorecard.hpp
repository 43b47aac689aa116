#pragma once

#include <array>
#include <cstddef>
#include <optional>

namespace heft {

/// Shares of the top that overlaps are taken of.
inline constexpr std::array<double, 4> overlapShares{0.001, 0.01, 0.05, 0.1};

/// How many of `size` weights are the top overlapShares[share]: rounded up, but for what is lost in the product of two doubles.
[[nodiscard]] std::size_t topSize(std::size_t share, std::size_t size);

/// How well a criterion's scores tell measured impact, over some weights.
struct Score {
  std::size_t weights = 0;  ///< that have both
  std::optional<double> spearman, kendall;
  std::array<std::optional<double>, overlapShares.size()>
      overlap;                ///< of the top share by each, rounded up; see topOverlap
  std::optional<double> rbo;  ///< rank-biased overlap, p = 0.98
};

}  // namespace heft
