#include "analysis/rank_statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "analysis/random.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
using Json = nlohmann::json;

Json tables() {
  std::ifstream file(HEFT_TEST_DATA "/files/rank_tables.json");
  return Json::parse(file);
}

template <class T>
std::vector<T> list(const Json& json) {
  std::vector<T> values;
  for (const Json& v : json) {
    values.push_back(v.is_null() ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(v.get<double>()));
  }
  return values;
}

void expectValue(const std::optional<double>& found, const Json& expected, const std::string& where) {
  ASSERT_EQ(found.has_value(), !expected.is_null()) << where;
  if (found) {
    EXPECT_NEAR(*found, expected.get<double>(), 1e-13) << where;
  }
}

TEST(RankStatistics, AgreeWithSciPy) {
  const Json all = tables();
  ASSERT_GE(all.size(), 16U);
  for (const Json& table : all) {
    const auto a = list<double>(table["a"]), b = list<double>(table["b"]);
    const auto name = table["name"].get<std::string>();
    expectValue(spearman(a, b), table["spearman"], "Spearman, " + name);
    expectValue(kendallTauB(a, b), table["kendall_tau_b"], "Kendall, " + name);
    expectValue(spearman(b, a), table["spearman"], "Spearman, sides changed, " + name);
    expectValue(kendallTauB(b, a), table["kendall_tau_b"], "Kendall, sides changed, " + name);
    const auto expected = list<double>(table["ranks_of_a"]), found = meanRanks(a);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (std::isnan(expected[i])) {
        EXPECT_TRUE(std::isnan(found[i])) << name << ", " << i;
      } else {
        EXPECT_EQ(found[i], expected[i]) << name << ", " << i;
      }
    }
  }
}

TEST(RankStatistics, Float32GivesTheSameWhereValuesAreExact) {
  for (const Json& table : tables()) {
    const auto name = table["name"].get<std::string>();
    if (name != "ties on both sides" && name != "not a number and ties") continue;
    const auto a = list<float>(table["a"]), b = list<float>(table["b"]);
    expectValue(spearman(std::span<const float>(a), std::span<const float>(b)), table["spearman"], name);
    expectValue(kendallTauB(std::span<const float>(a), std::span<const float>(b)), table["kendall_tau_b"], name);
  }
}

TEST(RankStatistics, KendallCountsPairsAsTheDefinitionDoes) {
  Random random(1, "test");
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::vector<double> a, b;
    for (int i = 0; i < 57; ++i) {
      a.push_back(static_cast<double>(random.below(9)));
      b.push_back(static_cast<double>(random.below(9)) + 0.5 * a.back());
    }
    double difference = 0, untied_a = 0, untied_b = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const double da = a[i] - a[j], db = b[i] - b[j];
        difference += (da * db > 0 ? 1 : 0) - (da * db < 0 ? 1 : 0);
        untied_a += da != 0 ? 1 : 0;
        untied_b += db != 0 ? 1 : 0;
      }
    }
    EXPECT_NEAR(kendallTauB(a, b).value(), difference / std::sqrt(untied_a * untied_b), 1e-14);
  }
}

TEST(RankStatistics, InfiniteValuesRankAtTheEnds) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values{infinity, 1, -infinity, 2, infinity};
  EXPECT_EQ(meanRanks(values), (std::vector<double>{4.5, 2, 1, 3, 4.5}));
  EXPECT_DOUBLE_EQ(spearman(values, values).value(), 1);
}

TEST(Largest, AreInOrderWithTiesByPlaceAndWithoutNaN) {
  const std::vector<double> values{3, kNaN, 7, 3, 9, 3, -1};
  EXPECT_EQ(largest(values, 4), (std::vector<std::size_t>{4, 2, 0, 3}));
  EXPECT_EQ(largest(values, 99), (std::vector<std::size_t>{4, 2, 0, 3, 5, 6}));
  EXPECT_TRUE(largest(values, 0).empty());
  const std::vector<float> floats{1, 5, 5};
  EXPECT_EQ(largest(floats, 2), (std::vector<std::size_t>{1, 2}));
}

TEST(TopOverlap, IsTheShareOfCommonPlaces) {
  const std::vector<double> a{9, 8, 7, 1, 2, 3}, b{9, 1, 8, 7, 2, 3};
  EXPECT_DOUBLE_EQ(topOverlap(a, b, 3).value(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(topOverlap(a, b, 1).value(), 1);
  EXPECT_DOUBLE_EQ(topOverlap(a, b, 6).value(), 1);
  EXPECT_DOUBLE_EQ(topOverlap(a, b, 100).value(), 1);
}

TEST(TopOverlap, LeavesPairsWithNaNOut) {
  const std::vector<double> a{kNaN, 8, 7, 1}, b{9, 1, 8, 7};
  EXPECT_DOUBLE_EQ(topOverlap(a, b, 1).value(), 0);  // place 1 against place 2, once place 0 is left out
  EXPECT_DOUBLE_EQ(topOverlap(a, b, 2).value(), 0.5);
  const std::vector<double> none{kNaN, kNaN, kNaN, kNaN};
  EXPECT_FALSE(topOverlap(none, b, 2).has_value());
  EXPECT_FALSE(topOverlap(a, b, 0).has_value());
}

TEST(RankStatistics, ListsOfTwoLengthsAreADefect) {
  const std::vector<double> a{1, 2}, b{1};
  EXPECT_THROW((void)spearman(a, b), Error);
  EXPECT_THROW((void)kendallTauB(a, b), Error);
  EXPECT_THROW((void)topOverlap(a, b, 1), Error);
}

}  // namespace
}  // namespace heft
