#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace heft {

/// Impacts of some weights, added up. Weights without an impact (NaN) are in none of the fields; a group without weights
/// is all zero.
struct ImpactSums {
  std::size_t weights = 0;
  std::size_t executed = 0;  ///< of them, measured by execution and not estimated
  double sum = 0;            ///< of impacts
  double squares = 0;        ///< of squared impacts
  double executed_squares = 0;
  double largest = 0;

  void add(float impact, bool was_executed) noexcept;
  ImpactSums& operator+=(const ImpactSums& other) noexcept;
  [[nodiscard]] double mean() const noexcept;  ///< 0 without weights
};

/// The same, apart by the sign of the weights.
struct SignedSums {
  ImpactSums negative, zero, positive;

  SignedSums& operator+=(const SignedSums& other) noexcept;
  [[nodiscard]] ImpactSums all() const noexcept;
};

/// What a group's impact is where only its weights' own are known. For rms and max it is the root of the sum of squares:
/// what changes of independent directions would give together. For kl, loss and flips, which are no lengths, the sum.
enum class Aggregate { root_of_squares, sum };

/// The group's impact.
[[nodiscard]] double aggregated(const ImpactSums& sums, Aggregate how) noexcept;
/// What groups can be added up and divided by: the sum of squares, or the sum.
[[nodiscard]] double additive(const ImpactSums& sums, Aggregate how) noexcept;
/// additive(part) / additive(whole); 0 where the whole is 0.
[[nodiscard]] double shareOf(const ImpactSums& part, const ImpactSums& whole, Aggregate how) noexcept;

/// Sums for each row of a matrix, [rows]. `weight`, `impact` and `executed` are [rows, columns], row-major; throws
/// Error(Fault::internal) where their sizes differ or are no multiple of `columns`.
[[nodiscard]] std::vector<SignedSums> sumsByRow(std::span<const float> weight, std::span<const float> impact,
                                                std::span<const std::uint8_t> executed, std::size_t columns);

}  // namespace heft
