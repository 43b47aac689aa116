#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace heft {

/// A stream of random numbers that (seed, purpose, index) alone determine: the n-th number is a hash of the
/// three and n, so threads, chunks and the order of other draws can't change it. Integers, signs and uniform
/// numbers are the same bits on every platform; `normal` is as exact as the platform's log and cos.
///
/// The hash is SplitMix64's finaliser (Steele, Lea, Flood 2014) applied twice, over two keys.
class Random {
 public:
  Random(std::uint64_t seed, std::string_view purpose, std::uint64_t index = 0) noexcept;

  [[nodiscard]] std::uint64_t bits() noexcept;
  /// In [0, 1), a multiple of 2^-53.
  [[nodiscard]] double uniform() noexcept;
  /// In {0, ..., bound - 1}, each equally likely; bound must be above 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;
  /// Standard normal (Box-Muller; two uniforms a number, so that streams stay in step).
  [[nodiscard]] double normal() noexcept;
  /// -1 or +1.
  [[nodiscard]] int sign() noexcept;

 private:
  std::uint64_t first_key_;
  std::uint64_t second_key_;
  std::uint64_t counter_ = 0;
};

/// `count` different numbers of {0, ..., population - 1} in random order; all of them where count is larger.
/// A smaller sample from an equal stream is the beginning of a larger one.
[[nodiscard]] std::vector<std::size_t> sampleWithoutReplacement(std::size_t count, std::size_t population,
                                                                Random random);

}  // namespace heft
