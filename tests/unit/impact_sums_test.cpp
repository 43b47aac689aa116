#include "analysis/impact_sums.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heft/error.hpp"

namespace heft {
namespace {

constexpr float none = std::numeric_limits<float>::quiet_NaN();

TEST(ImpactSums, AddUpByRowAndSignAndLeaveOutWeightsWithoutAnImpact) {
  const std::vector<float> weight{-1, 2, 0, 3, -4, -5};
  const std::vector<float> impact{3, 4, 1, none, 6, 8};
  const std::vector<std::uint8_t> executed{1, 0, 0, 0, 0, 1};
  const std::vector<SignedSums> rows = sumsByRow(weight, impact, executed, 3);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].negative.weights, 1U);
  EXPECT_EQ(rows[0].positive.weights, 1U);
  EXPECT_EQ(rows[0].zero.weights, 1U);
  EXPECT_EQ(rows[1].positive.weights, 0U);
  EXPECT_DOUBLE_EQ(rows[1].negative.sum, 14);
  EXPECT_DOUBLE_EQ(rows[1].negative.squares, 100);
  EXPECT_DOUBLE_EQ(rows[1].negative.executed_squares, 64);
  EXPECT_DOUBLE_EQ(rows[1].negative.largest, 8);
  EXPECT_DOUBLE_EQ(rows[1].all().mean(), 7);
}

TEST(ImpactSums, AggregateAsARootOfSquaresOrAsASum) {
  ImpactSums sums;
  sums.add(3, true);
  sums.add(4, false);
  EXPECT_DOUBLE_EQ(aggregated(sums, Aggregate::root_of_squares), 5);
  EXPECT_DOUBLE_EQ(aggregated(sums, Aggregate::sum), 7);
  ImpactSums part;
  part.add(3, true);
  EXPECT_DOUBLE_EQ(shareOf(part, sums, Aggregate::root_of_squares), 9.0 / 25);
  EXPECT_DOUBLE_EQ(shareOf(part, sums, Aggregate::sum), 3.0 / 7);
  EXPECT_EQ(shareOf(part, ImpactSums{}, Aggregate::sum), 0);
}

TEST(ImpactSums, RefuseSizesThatDoNotBelongTogether) {
  const std::vector<float> three(3);
  const std::vector<std::uint8_t> flags(3);
  EXPECT_THROW((void)sumsByRow(three, std::vector<float>(2), flags, 3), Error);
  EXPECT_THROW((void)sumsByRow(three, three, flags, 2), Error);
  EXPECT_THROW((void)sumsByRow(three, three, flags, 0), Error);
}

}  // namespace
}  // namespace heft
