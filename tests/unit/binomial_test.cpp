#include "analysis/binomial.hpp"

#include <gtest/gtest.h>

#include "heft/error.hpp"

namespace heft {
namespace {

// Expected values: scipy.stats.binom.cdf, SciPy 1.15.
TEST(Binomial, EqualsScipysDistributionFunction) {
  EXPECT_NEAR(binomialAtMost(45, 50, 0.95), 0.10361681014414394, 1e-12);
  EXPECT_NEAR(binomialAtMost(3, 10, 0.5), 0.171875, 1e-12);
  EXPECT_NEAR(binomialAtMost(900, 1000, 0.95) / 8.410251084877746e-11, 1, 1e-9);
}

TEST(Binomial, IsCertainOrImpossibleAtTheEnds) {
  EXPECT_EQ(binomialAtMost(0, 0, 0.95), 1);
  EXPECT_EQ(binomialAtMost(7, 7, 0.95), 1);
  EXPECT_EQ(binomialAtMost(6, 7, 1), 0);
  EXPECT_EQ(binomialAtMost(0, 7, 0), 1);
  EXPECT_THROW((void)binomialAtMost(1, 2, 1.5), Error);
}

}  // namespace
}  // namespace heft
