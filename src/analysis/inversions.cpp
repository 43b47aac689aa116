#include "analysis/inversions.hpp"

#include <algorithm>
#include <array>
#include <bit>

#if defined(__x86_64__) && defined(__GNUC__)
#define HEFT_AVX2 __attribute__((target("avx2,popcnt")))
#include <immintrin.h>
#endif

namespace heft {
namespace {

constexpr std::size_t kFew = 16;  // up to as many, comparing all pairs is faster

/// Where a split stands: how many values came so far without and with the bit, and pairs in the wrong order.
struct Halves {
  std::size_t zeros = 0, ones = 0;
  std::uint64_t inversions = 0;
};

struct Plain {
  static std::uint64_t ofFew(const std::uint32_t* values, std::size_t n) {
    std::uint64_t inversions = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) inversions += values[i] > values[j] ? 1U : 0U;
    }
    return inversions;
  }

  /// Splits values from `at.zeros` + `at.ones` on: those without the bit to the front of `values`, the others to `buffer`.
  static Halves split(std::uint32_t* values, std::size_t n, int bit, std::uint32_t* buffer, Halves at = {}) {
    for (std::size_t i = at.zeros + at.ones; i < n; ++i) {
      // Written without a branch, which would be guessed wrong half of the time.
      const std::uint32_t value = values[i];
      const std::size_t one = (value >> bit) & 1U;
      values[at.zeros] = value;
      buffer[at.ones] = value;
      at.inversions += at.ones & (one - 1);
      at.zeros += 1 - one;
      at.ones += one;
    }
    return at;
  }
};

#ifdef HEFT_AVX2

/// By the bits of eight values: which lanes to take, those of the set bits first and packed.
struct Lanes {
  std::array<std::array<std::uint32_t, 8>, 256> packed{};
  std::array<std::uint8_t, 256> inversions{};  ///< pairs of a set bit and a later one that isn't
};

constexpr Lanes lanesOf() {
  Lanes lanes;
  for (std::size_t mask = 0; mask < 256; ++mask) {
    std::size_t set = 0, pairs = 0;
    for (std::uint32_t lane = 0; lane < 8; ++lane) {
      if ((mask >> lane & 1U) != 0)
        lanes.packed[mask][set++] = lane;
      else
        pairs += set;
    }
    lanes.inversions[mask] = static_cast<std::uint8_t>(pairs);
  }
  return lanes;
}

constexpr Lanes kLanes = lanesOf();

/// Eight values at a time.
struct Avx2 {
  HEFT_AVX2 static __m256i load(const std::uint32_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }
  HEFT_AVX2 static void storePacked(std::uint32_t* to, __m256i values, std::size_t mask) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm256_permutevar8x32_epi32(values, load(kLanes.packed[mask].data())));
  }

  HEFT_AVX2 static std::uint64_t ofFew(const std::uint32_t* values, std::size_t n) {
    // Filled up with what is larger than all before, so that every pair has a partner.
    std::array<std::uint32_t, 2 * kFew> all;
    all.fill(0x7fffffff);
    std::copy_n(values, n, all.begin());
    auto sum = _mm256_setzero_si256();
    for (std::size_t apart = 1; apart < n; ++apart) {
      for (std::size_t i = 0; i < kFew; i += 8)  // true is -1
        sum = _mm256_sub_epi32(sum, _mm256_cmpgt_epi32(load(all.data() + i), load(all.data() + i + apart)));
    }
    std::array<std::uint32_t, 8> sums;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums.data()), sum);
    std::uint64_t inversions = 0;
    for (const auto one : sums) inversions += one;
    return inversions;
  }

  HEFT_AVX2 static Halves split(std::uint32_t* values, std::size_t n, int bit, std::uint32_t* buffer) {
    Halves at;
    const auto to_sign = _mm_cvtsi32_si128(31 - bit);
    // A store of eight ends no later than what has been read.
    for (std::size_t i = 0; i + 8 <= n; i += 8) {
      const auto eight = load(values + i);
      const auto ones =
          static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sll_epi32(eight, to_sign))));
      storePacked(values + at.zeros, eight, ones ^ 255U);
      storePacked(buffer + at.ones, eight, ones);
      const auto count = static_cast<std::size_t>(std::popcount(ones));
      at.inversions += kLanes.inversions[ones] + at.ones * (8 - count);
      at.zeros += 8 - count;
      at.ones += count;
    }
    return Plain::split(values, n, bit, buffer, at);
  }
};

#endif

/// Of values that are equal above `bit`.
template <class Kernel>
std::uint64_t ofSome(std::uint32_t* values, std::size_t n, int bit, std::uint32_t* buffer) {
  if (n <= kFew) return Kernel::ofFew(values, n);
  if (bit < 0) return 0;
  const auto halves = Kernel::split(values, n, bit, buffer);
  std::copy_n(buffer, halves.ones, values + halves.zeros);
  return halves.inversions + ofSome<Kernel>(values, halves.zeros, bit - 1, buffer) +
         ofSome<Kernel>(values + halves.zeros, halves.ones, bit - 1, buffer);
}

template <class Kernel>
double count(std::span<std::uint32_t> values, std::span<std::uint32_t> buffer) {
  if (values.empty()) return 0;
  const auto largest = *std::max_element(values.begin(), values.end());
  return static_cast<double>(
      ofSome<Kernel>(values.data(), values.size(), static_cast<int>(std::bit_width(largest)) - 1, buffer.data()));
}

}  // namespace

double countInversions(std::span<std::uint32_t> values, std::span<std::uint32_t> buffer) {
#ifdef HEFT_AVX2
  if (__builtin_cpu_supports("avx2")) return count<Avx2>(values, buffer);
#endif
  return count<Plain>(values, buffer);
}

}  // namespace heft
