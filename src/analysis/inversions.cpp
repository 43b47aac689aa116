#include "analysis/inversions.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace heft {
namespace {

constexpr std::size_t kFew = 16;  // up to as many, comparing all pairs is faster

std::uint64_t ofFew(const std::uint32_t* values, std::size_t n) {
  // Filled up with what is larger than all before, so that the loops have a known length.
  std::array<std::uint32_t, kFew> all;
  all.fill(0xffffffff);
  std::copy_n(values, n, all.begin());
  std::uint32_t inversions = 0;
  for (std::size_t apart = 1; apart < kFew; ++apart) {
    for (std::size_t i = 0; i + apart < kFew; ++i) inversions += all[i] > all[i + apart] ? 1U : 0U;
  }
  return inversions;
}

/// Of values that are equal above `bit`.
std::uint64_t ofSome(std::uint32_t* values, std::size_t n, int bit, std::uint32_t* buffer) {
  if (n <= kFew) return ofFew(values, n);
  if (bit < 0) return 0;
  std::uint64_t inversions = 0;
  std::size_t zeros = 0, ones = 0;
  for (std::size_t i = 0; i < n; ++i) {
    // Written without a branch, which would be guessed wrong half of the time.
    const std::uint32_t value = values[i];
    const std::size_t one = (value >> bit) & 1U;
    values[zeros] = value;
    buffer[ones] = value;
    inversions += ones & (one - 1);
    zeros += 1 - one;
    ones += one;
  }
  std::copy_n(buffer, ones, values + zeros);
  return inversions + ofSome(values, zeros, bit - 1, buffer) + ofSome(values + zeros, ones, bit - 1, buffer);
}

}  // namespace

double countInversions(std::span<std::uint32_t> values, std::span<std::uint32_t> buffer) {
  if (values.empty()) return 0;
  const auto largest = *std::max_element(values.begin(), values.end());
  return static_cast<double>(ofSome(values.data(), values.size(), std::bit_width(largest) - 1, buffer.data()));
}

}  // namespace heft
