#include "analysis/outliers.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heft/error.hpp"

namespace heft {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(RobustZScores, AreNotMovedByAnOutlier) {
  const std::vector<float> values{-2, -1, 0, 1, 1000000, kNaN};
  const auto z = robustZScores(std::span<const float>(values));
  EXPECT_DOUBLE_EQ(z[0], -2 / 1.4826);
  EXPECT_DOUBLE_EQ(z[2], 0);
  EXPECT_GT(z[4], 1e5);
  EXPECT_TRUE(std::isnan(z[5]));
}

TEST(RobustZScores, OfValuesMostlyAlikeAreZeroOrInfinite) {
  const std::vector<double> values{3, 3, 3, 4, 2};
  EXPECT_EQ(robustZScores(std::span<const double>(values)), (std::vector<double>{0, 0, 0, kInfinity, -kInfinity}));
}

TEST(OutlierBins, BeginAtTheirEdgesAndCountBothSigns) {
  const std::vector<double> z{0, -1, 2.5, -7.9, 8, kInfinity, kNaN, 1}, impact{1, 3, 5, 7, 3, 4, 9, kNaN};
  const auto bins = outlierBins(z, impact);
  const std::vector<std::size_t> counts{1, 1, 1, 0, 1, 2};
  for (std::size_t bin = 0; bin < bins.size(); ++bin) EXPECT_EQ(bins[bin].count, counts[bin]) << bin;
  EXPECT_DOUBLE_EQ(bins[5].share, 2.0 / 6);
  EXPECT_DOUBLE_EQ(bins[5].mean_impact, 3.5);
  EXPECT_DOUBLE_EQ(bins[5].root_sum_square, 5);
  EXPECT_TRUE(std::isnan(bins[3].mean_impact));
  EXPECT_THROW((void)outlierBins(z, std::vector<double>{1}), Error);
}

}  // namespace
}  // namespace heft
