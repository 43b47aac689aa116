#include "analysis/disagreement.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "heft/error.hpp"

namespace heft {
namespace {

/// 200 weights of magnitudes 1 to 200 with alternating sign; impacts as magnitudes, but for the places changed.
struct Example {
  std::vector<float> weight, impact;
  Example() {
    for (int i = 1; i <= 200; ++i) {
      weight.push_back(static_cast<float>(i % 2 == 0 ? i : -i));
      impact.push_back(static_cast<float>(i));
    }
  }
};

TEST(Disagreement, FindsLargeWeightsThatDoNothingAndSmallOnesThatDoMuch) {
  Example example;
  example.impact[198] = 0;   // magnitude 199: in the largest 1 %
  example.impact[4] = 1000;  // magnitude 5
  example.impact[9] = 900;   // magnitude 10
  const Disagreement found = disagreementOf(example.weight, example.impact, 2);
  EXPECT_EQ(found.large_but_inert, (std::vector<std::size_t>{198, 199}));
  EXPECT_EQ(found.small_but_critical, (std::vector<std::size_t>{4, 9}));
}

TEST(Disagreement, LeavesOutWeightsWithoutAnImpactAndSaysNothingOfFewWeights) {
  Example example;
  example.impact[4] = std::numeric_limits<float>::quiet_NaN();
  const Disagreement found = disagreementOf(example.weight, example.impact, 200);
  const std::set<std::size_t> small(found.small_but_critical.begin(), found.small_but_critical.end());
  EXPECT_FALSE(small.contains(4));
  EXPECT_TRUE(disagreementOf(std::vector<float>(3, 1), std::vector<float>(3, 1), 5).large_but_inert.empty());
  EXPECT_THROW((void)disagreementOf(std::vector<float>(3), std::vector<float>(2), 5), Error);
}

TEST(RanksAmong, CountWhatIsLargerByMagnitude) {
  const std::vector<float> values{-5, 3, 3, 1, std::numeric_limits<float>::quiet_NaN(), 0};
  EXPECT_EQ(ranksAmong(std::vector<float>{3, -5, 0, 1}, values), (std::vector<std::size_t>{2, 1, 5, 4}));
}

}  // namespace
}  // namespace heft
