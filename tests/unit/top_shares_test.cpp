#include "analysis/top_shares.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/random.hpp"
#include "analysis/rank_statistics.hpp"

namespace heft {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(TopShares, AreThoseOfTheSortedValues) {
  const std::vector<double> shares{0.001, 0.01, 0.1, 0.5, 0.5, 0.95};
  for (const std::uint64_t distinct : {0U, 1U, 3U, 50U}) {
    for (const std::size_t n : {0U, 1U, 7U, 3000U}) {
      Random random(distinct, "top shares", n);
      std::vector<std::vector<float>> lists(4);
      std::vector<float> all;
      for (std::size_t i = 0; i < n; ++i) {
        const auto value = random.below(9) == 0 ? kNaN
                           : distinct == 0      ? static_cast<float>(random.normal())
                                                : static_cast<float>(random.below(distinct)) - 1;
        lists[i < n / 3 ? 0 : 2].push_back(value == 0 && random.sign() < 0 ? -0.0f : value);
        all.push_back(lists[i < n / 3 ? 0 : 2].back());
      }
      const auto order = largest(std::span<const float>(all), all.size());
      std::vector<std::vector<std::vector<std::uint32_t>>> expected(shares.size() + 1,
                                                                    std::vector<std::vector<std::uint32_t>>(4));
      for (std::size_t rank = 0; rank < order.size(); ++rank) {
        std::size_t share = 0;
        while (share < shares.size() &&
               rank >= static_cast<std::size_t>(std::llround(shares[share] * static_cast<double>(order.size()))))
          ++share;
        const std::size_t first = n / 3, place = order[rank];
        expected[share][place < first ? 0 : 2].push_back(
            static_cast<std::uint32_t>(place < first ? place : place - first));
      }
      for (auto& entry : expected) {
        for (auto& list : entry) std::sort(list.begin(), list.end());
      }
      EXPECT_EQ(topShares(lists, shares), expected) << distinct << " values, " << n;
    }
  }
}

}  // namespace
}  // namespace heft
