#include "measure/metrics/group_values.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace heft {
namespace {

constexpr std::int32_t none = -1;

/// Three samples of four parts; group 0 has parts of all samples, 1 of the last two, 2 of one, 3 of none.
const std::vector<double> parts = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
const std::vector<std::int32_t> of = {0, 0, none, 2, 0, 1, 0, none, 1, 0, none, 0};

TEST(GroupValues, AreTheMeansOfTheGroupsOwnParts) {
  const auto found = groupValues(Metric::kl, parts, of, 3, 4);
  EXPECT_DOUBLE_EQ(found.value[0], (1 + 2 + 5 + 7 + 10 + 12) / 6.0);
  EXPECT_DOUBLE_EQ(found.value[1], (6 + 9) / 2.0);
  EXPECT_DOUBLE_EQ(found.value[2], 4);
  EXPECT_TRUE(std::isnan(found.value[3]));
}

TEST(GroupValues, OfRmsAreRootsAndOfMaxTheLargest) {
  const auto rms = groupValues(Metric::rms, parts, of, 3, 4), mean = groupValues(Metric::kl, parts, of, 3, 4);
  for (std::size_t g = 0; g < 3; ++g) {
    EXPECT_DOUBLE_EQ(rms.value[g], std::sqrt(mean.value[g]));
    if (g == 2) continue;  // of one sample, which has no error
    EXPECT_DOUBLE_EQ(rms.standard_error[g], mean.standard_error[g] / (2 * std::sqrt(mean.value[g])));
  }
  const auto most = groupValues(Metric::max, parts, of, 3, 4);
  EXPECT_EQ(most.value[0], 12);
  EXPECT_EQ(most.value[1], 9);
  EXPECT_TRUE(std::isnan(most.standard_error[0]));
}

TEST(GroupValues, OfTheLossAreWithoutSign) {
  EXPECT_DOUBLE_EQ(
      groupValues(Metric::loss, std::vector<double>{-3, 1}, std::vector<std::int32_t>{0, 0}, 2, 1).value[0], 1);
}

TEST(GroupValues, HaveTheStandardErrorOfAMeanWhereSamplesHaveAsManyParts) {
  // Each sample's mean: 1.5, 5.5, 9.5; their standard deviation is 4.
  const std::vector<std::int32_t> same = {0, 0, none, none, 0, 0, none, none, 0, 0, none, none};
  const auto found = groupValues(Metric::kl, parts, same, 3, 1);
  EXPECT_DOUBLE_EQ(found.value[0], 5.5);
  EXPECT_DOUBLE_EQ(found.standard_error[0], 4 / std::sqrt(3));
}

TEST(GroupValues, HaveTheStandardErrorOfARatioWhereTheyHaveNot) {
  // Sums 3, 12, 22 of 2 parts each but for group 0's own: mean 37 / 6; rests S - m N.
  const auto found = groupValues(Metric::kl, parts, of, 3, 4);
  const double m = 37 / 6.0, a = 3 - 2 * m, b = 12 - 2 * m, c = 22 - 2 * m;
  EXPECT_NEAR(found.standard_error[0], std::sqrt(3 / 2.0 * (a * a + b * b + c * c)) / 6, 1e-12);
  EXPECT_TRUE(std::isnan(found.standard_error[2])) << "of one sample";
}

TEST(GroupValues, KeepWhatIsNoNumber) {
  const auto found = groupValues(Metric::max, std::vector<double>{1, NAN, 2}, std::vector<std::int32_t>{0, 0, 1}, 3, 2);
  EXPECT_TRUE(std::isnan(found.value[0]));
  EXPECT_EQ(found.value[1], 2);
}

}  // namespace
}  // namespace heft
