#include "analysis/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

namespace heft {
namespace {

TEST(Random, TheSameSeedPurposeAndIndexGiveTheSameStream) {
  Random a(7, "audit", 3), b(7, "audit", 3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.bits(), b.bits());
}

TEST(Random, SeedPurposeAndIndexEachChangeTheStream) {
  std::set<std::uint64_t> first;
  for (const std::uint64_t seed : {0U, 1U, 2U}) {
    for (const char* purpose : {"audit", "calibration", ""}) {
      for (const std::uint64_t index : {0U, 1U, 2U}) first.insert(Random(seed, purpose, index).bits());
    }
  }
  EXPECT_EQ(first.size(), 27U);
}

// A run that is resumed with another version must see the same draws. The numbers come from the formula,
// worked out in Python.
TEST(Random, StreamsStayTheSameFromVersionToVersion) {
  Random random(7, "audit", 3);
  EXPECT_EQ(random.bits(), 0xB1DFECC67B88EC15U);
  EXPECT_EQ(random.bits(), 0x78B56DD8F55ABCB3U);
  EXPECT_EQ(random.bits(), 0x47B983C690D104A7U);
}

TEST(Random, UniformNumbersFillTheUnitIntervalEvenly) {
  constexpr int n = 100'000, bins = 20;
  Random random(1, "test");
  std::vector<int> counts(bins);
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ++counts[static_cast<std::size_t>(u * bins)];
  }
  double chi_squared = 0;
  for (const int count : counts) chi_squared += std::pow(count - 1.0 * n / bins, 2) / (1.0 * n / bins);
  EXPECT_LT(chi_squared, 43.8);  // 99.9 % of 19 degrees of freedom
}

TEST(Random, EveryNumberBelowABoundIsAsLikely) {
  constexpr int n = 70'000;
  Random random(2, "test");
  std::map<std::uint64_t, int> counts;
  for (int i = 0; i < n; ++i) ++counts[random.below(7)];
  ASSERT_EQ(counts.size(), 7U);
  double chi_squared = 0;
  for (const auto& [value, count] : counts) {
    EXPECT_LT(value, 7U);
    chi_squared += std::pow(count - n / 7.0, 2) / (n / 7.0);
  }
  EXPECT_LT(chi_squared, 22.5);  // 99.9 % of 6 degrees of freedom
  EXPECT_EQ(random.below(1), 0U);
}

// Of bound 3 * 2^62, taking the remainder alone would give the lower third twice the weight.
TEST(Random, ABoundNearTheEndOfTheRangeIsNotBiased) {
  const std::uint64_t third = std::uint64_t{1} << 62U;
  Random random(3, "test");
  int low = 0;
  for (int i = 0; i < 30'000; ++i) low += random.below(3 * third) < third ? 1 : 0;
  EXPECT_NEAR(low, 10'000, 4 * std::sqrt(30'000 * 2.0 / 9));
}

TEST(Random, NormalNumbersHaveTheNormalMoments) {
  constexpr int n = 100'000;
  Random random(4, "test");
  double first = 0, second = 0, third = 0, fourth = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    first += x / n;
    second += x * x / n;
    third += x * x * x / n;
    fourth += x * x * x * x / n;
  }
  // Four standard errors.
  EXPECT_NEAR(first, 0, 4 * std::sqrt(1.0 / n));
  EXPECT_NEAR(second, 1, 4 * std::sqrt(2.0 / n));
  EXPECT_NEAR(third, 0, 4 * std::sqrt(15.0 / n));
  EXPECT_NEAR(fourth, 3, 4 * std::sqrt(96.0 / n));
}

TEST(Random, SignsAreBalanced) {
  Random random(5, "test");
  int sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const int sign = random.sign();
    ASSERT_EQ(std::abs(sign), 1);
    sum += sign;
  }
  EXPECT_LT(std::abs(sum), 400);
}

TEST(SampleWithoutReplacement, DrawsEveryNumberAtMostOnce) {
  for (const std::size_t count : {0U, 1U, 10U, 60U, 100U, 900U, 1000U, 2000U}) {
    const auto sample = sampleWithoutReplacement(count, 1000, Random(1, "test"));
    const std::set<std::size_t> different(sample.begin(), sample.end());
    EXPECT_EQ(sample.size(), std::min<std::size_t>(count, 1000));
    EXPECT_EQ(different.size(), sample.size());
    if (!different.empty()) {
      EXPECT_LT(*different.rbegin(), 1000U);
    }
  }
}

TEST(SampleWithoutReplacement, ASmallerSampleIsTheBeginningOfALargerOne) {
  const auto large = sampleWithoutReplacement(1000, 1000, Random(1, "test"));
  for (const std::size_t count : {5U, 124U, 126U, 500U}) {
    const auto small = sampleWithoutReplacement(count, 1000, Random(1, "test"));
    EXPECT_TRUE(std::equal(small.begin(), small.end(), large.begin())) << count;
  }
}

TEST(SampleWithoutReplacement, EveryNumberIsDrawnAsOftenAtEveryPlace) {
  constexpr std::size_t population = 40;
  constexpr int repeats = 20'000;
  for (const std::size_t count : {4U, 20U}) {  // by hash and by list
    std::vector<std::vector<int>> counts(count, std::vector<int>(population));
    for (int r = 0; r < repeats; ++r) {
      const auto sample = sampleWithoutReplacement(count, population, Random(1, "test", static_cast<std::uint64_t>(r)));
      for (std::size_t i = 0; i < count; ++i) ++counts[i][sample[i]];
    }
    for (const auto& place : counts) {
      double chi_squared = 0;
      for (const int c : place) chi_squared += std::pow(c - repeats / 40.0, 2) / (repeats / 40.0);
      EXPECT_LT(chi_squared, 82);  // 99.99 % of 39 degrees of freedom
    }
  }
}

}  // namespace
}  // namespace heft
