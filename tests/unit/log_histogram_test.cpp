#include "analysis/log_histogram.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "heft/error.hpp"

namespace heft {
namespace {

constexpr float none = std::numeric_limits<float>::quiet_NaN();
constexpr float endless = std::numeric_limits<float>::infinity();

TEST(LogHistogram, CountsEveryPairOnceAndSaysWhatHasNoLogarithm) {
  const std::vector<float> x{-1, 10, 100, 0, 1, none, 1};
  const std::vector<float> y{1, 1e-2F, 1e-4F, 1, 0, 1, endless};
  const LogHistogram histogram = logHistogram(x, y, 4);
  EXPECT_EQ(histogram.counted, 3U);
  EXPECT_EQ(histogram.zero_x, 1U);
  EXPECT_EQ(histogram.zero_y, 1U);
  EXPECT_NEAR(histogram.x.from, 0, 1e-6);
  EXPECT_NEAR(histogram.x.width, 0.5, 1e-6);
  EXPECT_NEAR(histogram.y.from, -4, 1e-6);
  ASSERT_EQ(histogram.counts.size(), 16U);
  EXPECT_EQ(std::accumulate(histogram.counts.begin(), histogram.counts.end(), 0U), 3U);
  EXPECT_EQ(histogram.counts[3 * 4 + 0], 1U);  // (1, 1): least x, most y
  EXPECT_EQ(histogram.counts[0 * 4 + 3], 1U);  // (100, 1e-4)
}

TEST(LogHistogram, OfEqualValuesHasOneBin) {
  const std::vector<float> x{2, 2}, y{3, 3};
  const LogHistogram histogram = logHistogram(x, y, 8);
  EXPECT_EQ(histogram.counts, std::vector<std::uint32_t>{2});
}

TEST(LogHistogram, PutsWhatIsFarTooSmallIntoTheFirstBin) {
  const std::vector<float> x{1, 1}, y{1e-30F, 1};
  const LogHistogram histogram = logHistogram(x, y, 4, 1e-8);
  EXPECT_NEAR(histogram.y.from, -8, 1e-6);
  EXPECT_EQ(histogram.counts.front(), 1U);
}

TEST(LogHistogram, IsEmptyWithoutPairsAndRefusesOtherLengths) {
  EXPECT_TRUE(logHistogram({}, {}, 4).counts.empty());
  EXPECT_THROW((void)logHistogram(std::vector<float>(2), std::vector<float>(1), 4), Error);
}

}  // namespace
}  // namespace heft
