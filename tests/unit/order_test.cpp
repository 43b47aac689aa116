#include "analysis/order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/random.hpp"
#include "analysis/rank_statistics.hpp"

namespace heft::test {
namespace {

template <class Value>
std::vector<Value> mixedValues(std::size_t count) {
  std::vector<Value> values{0,
                            Value{-0.0},
                            std::numeric_limits<Value>::infinity(),
                            -std::numeric_limits<Value>::infinity(),
                            std::numeric_limits<Value>::denorm_min(),
                            std::numeric_limits<Value>::max(),
                            std::numeric_limits<Value>::lowest()};
  for (std::size_t i = 0; values.size() < count; ++i) {
    const auto spread = static_cast<Value>((i * 2654435761U) % 1000003U) - Value{500000};
    values.push_back(i % 3 == 0 ? static_cast<Value>(i % 17) : spread / Value{977});
  }
  return values;
}

template <class Value>
void expectStableOrder(std::size_t count) {
  const std::vector<Value> values = mixedValues<Value>(count);
  std::vector<std::uint32_t> expected(values.size());
  std::iota(expected.begin(), expected.end(), 0U);
  const auto smaller = [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; };
  std::stable_sort(expected.begin(), expected.end(), smaller);
  EXPECT_EQ(ascendingOrder(std::span<const Value>(values)), expected);
  std::vector<std::uint32_t> backwards(values.size());
  std::iota(backwards.rbegin(), backwards.rend(), 0U);
  expected = backwards;
  std::stable_sort(expected.begin(), expected.end(), smaller);
  EXPECT_EQ(ascendingOrder(std::span<const Value>(values), backwards), expected);
}

TEST(Order, IsThatOfAStableSortForFewAndManyValues) {
  for (const std::size_t count :
       {std::size_t{7}, std::size_t{100}, std::size_t{2047}, std::size_t{2048}, std::size_t{50000}}) {
    expectStableOrder<float>(count);
    expectStableOrder<double>(count);
  }
}

TEST(Order, OfNothingIsEmpty) { EXPECT_TRUE(ascendingOrder(std::span<const float>()).empty()); }

/// Every pair compared with every other, as the definition has it.
double kendallByDefinition(const std::vector<float>& a, const std::vector<float>& b) {
  double score = 0, untied_a = 0, untied_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const int sa = (a[i] > a[j]) - (a[i] < a[j]), sb = (b[i] > b[j]) - (b[i] < b[j]);
      score += sa * sb;
      untied_a += sa != 0;
      untied_b += sb != 0;
    }
  }
  return score / std::sqrt(untied_a) / std::sqrt(untied_b);
}

TEST(RankStatisticsOfManyValues, KendallAgreesWithItsDefinitionWhereTiesAbound) {
  std::vector<float> a, b;
  for (std::size_t i = 0; i < 3000; ++i) {
    a.push_back(static_cast<float>((i * 389) % 101) - 50);
    b.push_back(static_cast<float>((i * 389) % 101 + (i * 7919) % 53) / 8);
  }
  EXPECT_NEAR(*kendallTauB(std::span<const float>(a), std::span<const float>(b)), kendallByDefinition(a, b), 1e-12);
}

}  // namespace
}  // namespace heft::test
