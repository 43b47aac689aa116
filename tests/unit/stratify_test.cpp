#include "analysis/stratify.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "analysis/random.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

std::vector<double> upTo(int n) {
  std::vector<double> values;
  for (int i = 1; i <= n; ++i) values.push_back(i);
  return values;
}

TEST(Estimates, AFlatIndexRunsThroughParametersWithEmptyOnesBetween) {
  const std::vector<double> a{1, 2}, none, b{3};
  const Estimates estimates({a, none, b});
  EXPECT_EQ(estimates.size(), 3U);
  EXPECT_EQ(estimates.parameterOf(1), 0U);
  EXPECT_EQ(estimates.parameterOf(2), 2U);
  EXPECT_EQ(estimates.at(1), 2);
  EXPECT_EQ(estimates.at(2), 3);
  EXPECT_EQ(estimates.offset(2), 2U);
}

TEST(Estimates, NegativeInfiniteAndNaNAreDefects) {
  for (const double bad : {-1e-30, std::numeric_limits<double>::infinity(), std::nan("")}) {
    const std::vector<double> values{0, bad};
    EXPECT_THROW(Estimates({values}), Error) << bad;
  }
}

TEST(Strata, AreDecilesOfTheEstimatesAboveZero) {
  std::vector<double> values = upTo(100);
  values.insert(values.end(), 7, 0.0);
  const Estimates estimates({values});
  const Strata strata(estimates);
  EXPECT_EQ(strata.populations(), (std::vector<std::size_t>{7, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10}));
  EXPECT_EQ(strata.of(0, 0), 0U);
  EXPECT_EQ(strata.of(0, 1), 1U);
  EXPECT_EQ(strata.of(0, 10), 1U);
  EXPECT_EQ(strata.of(0, 11), 2U);
  EXPECT_EQ(strata.of(0, 91), 10U);
  EXPECT_EQ(strata.of(0, 1e9), 10U);
  EXPECT_TRUE(Strata::isZero(0));
  EXPECT_TRUE(Strata::isZero(11));
  EXPECT_FALSE(Strata::isZero(10));
}

TEST(Strata, KeepEqualEstimatesTogetherAndEveryWeightSomewhere) {
  const std::vector<double> constant(50, 2.5), few{1, 2, 3}, zeros(4, 0.0), none;
  const Estimates estimates({constant, few, zeros, none});
  const Strata strata(estimates);
  const auto& populations = strata.populations();
  ASSERT_EQ(populations.size(), 44U);
  EXPECT_EQ(populations[strata.of(0, 2.5)], 50U);
  EXPECT_EQ(std::accumulate(populations.begin() + 11, populations.begin() + 22, std::size_t{0}), 3U);
  EXPECT_EQ(populations[22], 4U);
  EXPECT_EQ(std::accumulate(populations.begin(), populations.end(), std::size_t{0}), 57U);
}

TEST(ShareDraws, ParametersGetEqualSharesAndASmallOneIsDrawnWhole) {
  const std::vector<double> large = upTo(10'000), medium = upTo(5'000), small = upTo(20);
  const Strata strata(Estimates({large, medium, small}));
  const auto shares = shareDraws(strata, 420);
  const auto of = [&](std::size_t p) {
    return std::accumulate(shares.begin() + static_cast<std::ptrdiff_t>(11 * p),
                           shares.begin() + static_cast<std::ptrdiff_t>(11 * (p + 1)), std::size_t{0});
  };
  EXPECT_EQ(of(0), 200U);
  EXPECT_EQ(of(1), 200U);
  EXPECT_EQ(of(2), 20U);
  for (std::size_t s = 1; s < 11; ++s) EXPECT_EQ(shares[s], 20U) << s;
}

TEST(ShareDraws, NeverAsksForMoreThanThereIs) {
  const std::vector<double> some = upTo(30), zeros(5, 0.0);
  const Strata strata(Estimates({some, zeros}));
  EXPECT_EQ(shareDraws(strata, 1000), strata.populations());
  const auto shares = shareDraws(strata, 0);
  EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), std::size_t{0}), 0U);
}

TEST(DrawStratified, DrawsOfEachStratumAreItsOwnWeightsOnce) {
  std::vector<double> a, b;
  Random random(3, "test");
  for (int i = 0; i < 3000; ++i) a.push_back(std::exp(random.normal()));
  for (int i = 0; i < 500; ++i) b.push_back(random.below(3) == 0 ? 0 : random.uniform());
  const Estimates estimates({a, b});
  const Strata strata(estimates);
  const auto drawn = drawStratified(estimates, strata, 300, 1);
  const auto shares = shareDraws(strata, 300);
  std::set<std::size_t> different;
  for (std::size_t s = 0; s < drawn.size(); ++s) {
    EXPECT_EQ(drawn[s].size(), shares[s]);
    for (const std::size_t flat : drawn[s]) {
      EXPECT_EQ(strata.of(estimates.parameterOf(flat), estimates.at(flat)), s);
      different.insert(flat);
    }
  }
  EXPECT_EQ(different.size(), 300U);
  EXPECT_EQ(drawStratified(estimates, strata, 300, 1), drawn);
  EXPECT_NE(drawStratified(estimates, strata, 300, 2), drawn);
}

TEST(DrawStratified, EveryWeightOfAStratumIsAsLikely) {
  const std::vector<double> values = upTo(100);
  const Estimates estimates({values});
  const Strata strata(estimates);
  constexpr int repeats = 10'000;
  std::vector<int> counts(100);
  for (int r = 0; r < repeats; ++r) {
    for (const auto& own : drawStratified(estimates, strata, 20, static_cast<std::uint64_t>(r))) {
      for (const std::size_t flat : own) ++counts[flat];
    }
  }
  double chi_squared = 0;
  for (const int c : counts) chi_squared += std::pow(c - repeats / 5.0, 2) / (repeats / 5.0);
  EXPECT_LT(chi_squared,
            149);  // 99.9 % of 99 degrees of freedom, and drawing without replacement varies less
}

TEST(DrawWithin, LeavesWeightsWithoutAClassAlone) {
  const std::vector<double> values = upTo(10);
  const Estimates estimates({values});
  const auto even = [](std::size_t flat, std::size_t, double) { return flat % 2 == 0 ? std::size_t{0} : kNoClass; };
  const std::vector<std::size_t> populations{5}, wanted{5};
  auto drawn = drawWithin(estimates, even, populations, wanted, 1, "test", 0);
  std::sort(drawn[0].begin(), drawn[0].end());
  EXPECT_EQ(drawn[0], (std::vector<std::size_t>{0, 2, 4, 6, 8}));
}

}  // namespace
}  // namespace heft
