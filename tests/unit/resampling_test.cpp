#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "analysis/bootstrap.hpp"
#include "analysis/paired_test.hpp"
#include "analysis/random.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> normals(std::size_t count, std::uint64_t index, double centre = 0) {
  Random random(5, "resampling", index);
  std::vector<double> values(count);
  for (double& value : values) value = centre + random.normal();
  return values;
}

TEST(Bootstrap, HoldsTheMeanAtItsLevel) {
  int held = 0;
  constexpr int repeats = 400;
  for (std::uint64_t r = 0; r < repeats; ++r) {
    const auto found = bootstrapMean(normals(60, r, 2), {.resamples = 400, .confidence = 0.9, .seed = r});
    held += found->lower <= 2 && 2 <= found->upper ? 1 : 0;
  }
  EXPECT_GE(held, 0.84 * repeats);
  EXPECT_LE(held, 0.95 * repeats);
}

TEST(Bootstrap, DependsOnItsSeedAlone) {
  const auto values = normals(30, 1);
  EXPECT_EQ(bootstrapMean(values)->lower, bootstrapMean(values)->lower);
  EXPECT_NE(bootstrapMean(values)->lower, bootstrapMean(values, {.seed = 1})->lower);
}

TEST(Bootstrap, TakesAnyStatistic) {
  const auto values = normals(50, 2);
  const auto largest = [&](std::span<const std::size_t> samples) {
    double most = -10;
    for (const std::size_t sample : samples) most = std::max(most, values[sample]);
    return most;
  };
  const auto found = bootstrap(values.size(), largest);
  EXPECT_EQ(found->value, found->upper);
  EXPECT_LT(found->lower, found->upper);
}

TEST(Bootstrap, LeavesNaNOut) {
  EXPECT_EQ(bootstrapMean(std::vector<double>{kNaN, 2, kNaN, 2})->upper, 2);
  EXPECT_FALSE(bootstrapMean(std::vector<double>{kNaN}).has_value());
  EXPECT_THROW((void)bootstrapMean(std::vector<double>{1}, {.resamples = 0}), Error);
  EXPECT_THROW((void)bootstrapMean(std::vector<double>{1}, {.confidence = 1}), Error);
}

TEST(SignFlip, FindsADifferenceAndOnlyWhereThereIsOne) {
  const auto a = normals(40, 3), b = normals(40, 4, 2);
  EXPECT_DOUBLE_EQ(signFlipTest(a, b, 999)->p, 0.001);  // (1 + 0) / (1 + 999)
  EXPECT_LT(signFlipTest(a, b)->difference, -1);
  EXPECT_EQ(signFlipTest(a, a)->p, 1);
}

TEST(SignFlip, IsWrongAsOftenAsItSays) {
  int wrong = 0;
  constexpr int repeats = 600;
  for (std::uint64_t r = 0; r < repeats; ++r) {
    wrong += signFlipTest(normals(25, 2 * r), normals(25, 2 * r + 1), 199, r)->p <= 0.1 ? 1 : 0;
  }
  EXPECT_NEAR(wrong, 0.1 * repeats, 5 * std::sqrt(0.09 * repeats));
}

TEST(SignFlip, LeavesNaNOutAndRefusesTwoLengths) {
  const std::vector<double> a{1, kNaN, 3}, b{1, 2, kNaN}, one{1};
  EXPECT_EQ(signFlipTest(a, b)->difference, 0);
  EXPECT_FALSE(signFlipTest(std::vector<double>{kNaN}, one).has_value());
  EXPECT_THROW((void)signFlipTest(a, one), Error);
  EXPECT_THROW((void)signFlipTest(a, b, 0), Error);
}

TEST(PairedBootstrap, GainsByThePairs) {
  // Two criteria that vary a lot from input to input, and together: their difference hardly varies.
  const auto a = normals(40, 7);
  std::vector<double> b = a;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] += i % 2 == 0 ? 0.1 : 0.05;
  const auto mean = [](const std::vector<double>& values) {
    return [&values](std::span<const std::size_t> samples) {
      double sum = 0;
      for (const std::size_t sample : samples) sum += values[sample];
      return sum / static_cast<double>(samples.size());
    };
  };
  const auto found = pairedBootstrap(a.size(), mean(b), mean(a), {.resamples = 999});
  EXPECT_NEAR(found->difference.value, 0.075, 1e-12);
  EXPECT_GT(found->difference.lower, 0.05);
  EXPECT_DOUBLE_EQ(found->p, 0.002);  // 2 (1 + 0) / (1 + 999)
  EXPECT_EQ(pairedBootstrap(a.size(), mean(a), mean(a))->p, 1);
}

}  // namespace
}  // namespace heft
