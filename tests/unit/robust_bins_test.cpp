#include "analysis/robust_bins.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "heft/error.hpp"

namespace heft {
namespace {

constexpr float none = std::numeric_limits<float>::quiet_NaN();

std::vector<std::size_t> countsOf(const std::vector<ImpactSums>& bins) {
  std::vector<std::size_t> counts;
  for (const ImpactSums& bin : bins) counts.push_back(bin.weights);
  return counts;
}

TEST(RobustScale, IsTheMedianAndTheScaledMedianDeviation) {
  const std::vector<float> values{1, 2, 3, 4, 100};
  const auto scale = robustScale(values);
  ASSERT_TRUE(scale);
  EXPECT_DOUBLE_EQ(scale->median, 3);
  EXPECT_DOUBLE_EQ(scale->deviation, 1.4826);
}

TEST(RobustScale, OfAnEvenNumberTakesTheMeanOfTheMiddleTwo) {
  const std::vector<float> values{4, none, 1, 3, 2};
  EXPECT_DOUBLE_EQ(robustScale(values)->median, 2.5);
  EXPECT_FALSE(robustScale(std::vector<float>{none}));
}

TEST(OutlierBins, PutEachWeightWhereItsRobustScoreLies) {
  // Median 0 and deviation 1.4826: scores of 0.67, 0, 0.67, 1.35 and 20.
  const std::vector<float> weight{-1, 0, 1, -2, 30, 0, 0.5F};
  const std::vector<float> impact{1, 1, 1, 1, 7, none, 1};
  const std::vector<std::uint8_t> executed(7, 1);
  const auto bins = sumsByOutlierBin(weight, impact, executed);
  ASSERT_EQ(bins.size(), outlierBinEdges.size());
  EXPECT_EQ(bins.back().weights, 1U);
  EXPECT_DOUBLE_EQ(bins.back().sum, 7);
  std::size_t all = 0;
  for (const std::size_t count : countsOf(bins)) all += count;
  EXPECT_EQ(all, 6U);
}

TEST(OutlierBins, OfAMatrixThatIsConstantButForOneWeightPutThatOneLast) {
  const std::vector<float> weight{2, 2, 2, 2, 2.001F};
  const std::vector<float> impact{1, 1, 1, 1, 1};
  const std::vector<std::uint8_t> executed(5, 0);
  EXPECT_EQ(countsOf(sumsByOutlierBin(weight, impact, executed)), (std::vector<std::size_t>{4, 0, 0, 0, 0, 1}));
}

TEST(OutlierBins, AreEmptyWithoutImpactsAndRefuseOtherLengths) {
  const std::vector<float> one{1}, no_impact{none};
  const std::vector<std::uint8_t> flag{0};
  EXPECT_EQ(countsOf(sumsByOutlierBin(one, no_impact, flag)), (std::vector<std::size_t>(6, 0)));
  EXPECT_THROW((void)sumsByOutlierBin(one, {}, flag), Error);
}

}  // namespace
}  // namespace heft
