#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <span>
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

SampleStatistic meanOf(const std::vector<double>& values) {
  return [&values](std::span<const std::size_t> samples) {
    double sum = 0;
    for (const std::size_t sample : samples) sum += values[sample];
    return sum / static_cast<double>(samples.size());
  };
}

std::optional<BootstrapInterval> bootstrapMean(const std::vector<double>& values,
                                               const BootstrapOptions& options = {}) {
  return bootstrap(values.size(), meanOf(values), options);
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

TEST(Bootstrap, LeavesDrawsOutOnWhichTheStatisticIsNaN) {
  const auto values = normals(3, 3);
  const auto mean = meanOf(values);
  const auto unlessAllTheSame = [&](std::span<const std::size_t> samples) {
    const bool same = std::adjacent_find(samples.begin(), samples.end(), std::not_equal_to<>()) == samples.end();
    return same ? kNaN : mean(samples);
  };
  const auto found = bootstrap(values.size(), unlessAllTheSame);
  EXPECT_TRUE(std::isfinite(found->lower) && std::isfinite(found->upper) && std::isfinite(found->standard_error));
  EXPECT_FALSE(bootstrapMean({kNaN}).has_value());
  EXPECT_FALSE(bootstrapMean({}).has_value());
}

TEST(Bootstrap, RefusesNoResamplesAndAConfidenceOfOne) {
  EXPECT_THROW((void)bootstrapMean({1}, {.resamples = 0}), Error);
  EXPECT_THROW((void)bootstrapMean({1}, {.confidence = 1}), Error);
}

TEST(PairedBootstrap, GainsByThePairs) {
  // Two criteria that vary a lot from input to input, and together: their difference hardly varies.
  const auto a = normals(40, 7);
  std::vector<double> b = a;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] += i % 2 == 0 ? 0.1 : 0.05;
  const auto found = pairedBootstrap(a.size(), meanOf(b), meanOf(a), {.resamples = 999});
  EXPECT_NEAR(found->difference.value, 0.075, 1e-12);
  EXPECT_GT(found->difference.lower, 0.05);
  EXPECT_DOUBLE_EQ(found->p, 0.002);  // 2 (1 + 0) / (1 + 999)
  EXPECT_EQ(pairedBootstrap(a.size(), meanOf(a), meanOf(a))->p, 1);
}

}  // namespace
}  // namespace heft
