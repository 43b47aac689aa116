#include "analysis/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace heft {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;

constexpr std::uint64_t mix(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

/// FNV-1a, 64 bits.
constexpr std::uint64_t hashText(std::string_view text) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3U;
  }
  return hash;
}

}  // namespace

Random::Random(std::uint64_t seed, std::string_view purpose, std::uint64_t index) noexcept
    : first_key_(mix(mix(seed + kGolden) ^ hashText(purpose))), second_key_(mix(first_key_ + mix(index + kGolden))) {}

std::uint64_t Random::bits() noexcept {
  const std::uint64_t n = counter_++;
  return mix(mix(second_key_ + n * kGolden) ^ first_key_);
}

double Random::uniform() noexcept { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

std::uint64_t Random::below(std::uint64_t bound) noexcept {
  // The first 2^64 mod bound values are turned away, so that the rest is a multiple of bound.
  const std::uint64_t first = (0 - bound) % bound;
  std::uint64_t value = bits();
  while (value < first) value = bits();
  return value % bound;
}

double Random::normal() noexcept {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

int Random::sign() noexcept { return (bits() >> 63) != 0 ? 1 : -1; }

std::vector<std::size_t> sampleWithoutReplacement(std::size_t count, std::size_t population, Random random) {
  count = std::min(count, population);
  std::vector<std::size_t> sample;
  sample.reserve(count);
  // Fisher-Yates, stopped after `count` swaps. Small samples keep only the places that swaps have touched.
  if (count > population / 8) {
    std::vector<std::size_t> all(population);
    std::iota(all.begin(), all.end(), std::size_t{0});
    for (std::size_t i = 0; i < count; ++i) {
      std::swap(all[i], all[i + random.below(population - i)]);
      sample.push_back(all[i]);
    }
    return sample;
  }
  std::unordered_map<std::size_t, std::size_t> touched;
  const auto at = [&](std::size_t place) {
    const auto found = touched.find(place);
    return found == touched.end() ? place : found->second;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t chosen = i + random.below(population - i);
    sample.push_back(at(chosen));
    touched[chosen] = at(i);
  }
  return sample;
}

}  // namespace heft
