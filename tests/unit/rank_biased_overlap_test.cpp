#include "analysis/rank_biased_overlap.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "analysis/random.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

using List = std::vector<double>;

TEST(RankBiasedOverlap, CountsTheFirstPlacesMost) {
  const List a{9, 8, 7, 6, 5, 4}, first_moved{4, 9, 8, 7, 6, 5}, last_moved{9, 8, 7, 6, 4, 5};
  EXPECT_DOUBLE_EQ(rankBiasedOverlap(a, a, 0.9)->value, 1);
  EXPECT_LT(rankBiasedOverlap(a, first_moved, 0.5)->value, rankBiasedOverlap(a, last_moved, 0.5)->value);
}

TEST(RankBiasedOverlap, IsWhatAPersonWorksOutByHand) {
  // Rankings 0 1 2 and 1 0 2: agreements 0, 1, 1. With p = 1/2: 1/8 + 1 * (0 / 2 + 1 / 4 + 1 / 8) = 1/2.
  const List a{3, 2, 1}, b{2, 3, 1};
  EXPECT_DOUBLE_EQ(rankBiasedOverlap(a, b, 0.5)->value, 0.5);
  // Places 0 and 1 of a tied: agreements 2/3, 1, 1, so 1/8 + 1/3 + 1/4 + 1/8.
  const List tied{3, 3, 1};
  EXPECT_DOUBLE_EQ(rankBiasedOverlap(tied, b, 0.5)->value, 0.5 + 1.0 / 3);
}

TEST(RankBiasedOverlap, OfMillionsLooksAtTheTopAlone) {
  Random random(3, "overlap");
  std::vector<float> a(2'000'000), b(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<float>(random.uniform());
    b[i] = a[i] + 1e-6F * static_cast<float>(random.uniform());
  }
  const auto found = rankBiasedOverlap(std::span<const float>(a), std::span<const float>(b));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->depth, 1026U);  // log(1e-9) / log(0.98)
  EXPECT_LE(found->error, 1e-9);
  EXPECT_GT(found->value, 0.3);
  EXPECT_LT(found->value, 1);
}

TEST(RankBiasedOverlap, LeavesPairsWithNaNOut) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const List a{nan, 3, 2, 1}, b{9, 2, 3, 1}, none(4, nan);
  EXPECT_DOUBLE_EQ(rankBiasedOverlap(a, b, 0.5)->value, 0.5);
  EXPECT_FALSE(rankBiasedOverlap(none, b).has_value());
}

TEST(RankBiasedOverlap, RefusesWhatItCannotMean) {
  const List a{1, 2}, b{1};
  EXPECT_THROW((void)rankBiasedOverlap(a, b), Error);
  EXPECT_THROW((void)rankBiasedOverlap(a, a, 1.0), Error);
  EXPECT_THROW((void)rankBiasedOverlap(a, a, 0.9, 0.0), Error);
}

}  // namespace
}  // namespace heft
