#include "analysis/grouped_scores.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "analysis/inversions.hpp"
#include "analysis/random.hpp"
#include "analysis/ranked_pairs.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// `distinct` values, or as many as there are weights for 0; `missing` of ten NaN.
std::vector<float> values(std::size_t n, std::uint64_t distinct, std::uint64_t missing, std::uint64_t seed) {
  Random random(seed, "grouped scores test");
  std::vector<float> list;
  for (std::size_t i = 0; i < n; ++i) {
    const float value = distinct == 0 ? static_cast<float>(random.normal())
                                      : static_cast<float>(random.below(distinct)) - 1;  // 0 and negative ones too
    list.push_back(random.below(10) < missing ? kNaN : value == 0 && random.sign() < 0 ? -0.0f : value);
  }
  return list;
}

/// Groups of many sizes, some of them empty, one of a single weight, and weights outside all of them.
Grouping someGroups(std::size_t n, std::uint64_t seed) {
  Random random(seed, "groups");
  Grouping grouping{{}, 6};
  for (std::size_t i = 0; i < n; ++i) {
    const auto draw = random.below(12);
    grouping.of.push_back(draw < 2 ? Grouping::none : draw < 3 ? 0 : draw < 7 ? 2 : 4);
  }
  if (n > 0) grouping.of[n / 2] = 5;
  return grouping;
}

/// The same, one statistic at a time.
Score scoreOf(std::span<const float> criterion, std::span<const float> impact) {
  const RankedPairs<float> pairs(criterion, impact);
  Score score;
  score.weights = pairs.size();
  score.spearman = pairs.spearman();
  score.kendall = pairs.kendallTauB();
  for (std::size_t i = 0; i < overlapShares.size(); ++i) score.overlap[i] = pairs.topOverlap(topSize(i, score.weights));
  if (const auto overlap = rankBiasedOverlap(std::span(pairs.a()), std::span(pairs.b()))) score.rbo = overlap->value;
  return score;
}

TEST(GroupedScores, TopSizesAreRoundedUp) {
  EXPECT_EQ(topSize(1, 0), 0U);
  EXPECT_EQ(topSize(1, 1), 1U);
  for (std::size_t hundreds = 1; hundreds < 200'000; ++hundreds) {
    ASSERT_EQ(topSize(1, 100 * hundreds), hundreds);
    ASSERT_EQ(topSize(1, 100 * hundreds + 1), hundreds + 1);
    ASSERT_EQ(topSize(0, 1000 * hundreds), hundreds);
    ASSERT_EQ(topSize(3, 10 * hundreds), hundreds);
    ASSERT_EQ(topSize(2, 20 * hundreds + 1), hundreds + 1);
  }
}

void expectEqual(const Score& found, const Score& expected, const std::string& where) {
  EXPECT_EQ(found.weights, expected.weights) << where;
  EXPECT_EQ(found.spearman, expected.spearman) << where;
  EXPECT_EQ(found.kendall, expected.kendall) << where;
  EXPECT_EQ(found.overlap, expected.overlap) << where;
  EXPECT_EQ(found.rbo, expected.rbo) << where;
}

void expectNear(const std::optional<double>& found, const std::optional<double>& expected, const std::string& where) {
  ASSERT_EQ(found.has_value(), expected.has_value()) << where;
  if (found) {
    EXPECT_NEAR(*found, *expected, 1e-12) << where;
  }
}

TEST(GroupedScores, OfImpactAreThoseOfTheImpactsAsACriterion) {
  for (const std::size_t n : {0U, 1U, 2U, 300U, 5000U}) {
    for (const std::uint64_t impacts : {0U, 1U, 3U, 40U}) {
      for (const std::uint64_t missing : {0U, 3U, 10U}) {
        const auto impact = values(n, impacts, missing, 1);
        const std::vector<Grouping> groupings{someGroups(n, 3), someGroups(n, 4)};
        const GroupedScores scores(impact, groupings);
        const auto found = scores.ofImpact(), expected = scores.of(impact);
        ASSERT_EQ(found.groups.size(), expected.groups.size());
        const auto compare = [&](const Score& a, const Score& b) {
          const auto where = std::to_string(n) + " weights, " + std::to_string(impacts) + " impacts";
          EXPECT_EQ(a.weights, b.weights) << where;
          expectNear(a.spearman, b.spearman, where);
          expectNear(a.kendall, b.kendall, where);
          expectNear(a.rbo, b.rbo, where);
          for (std::size_t s = 0; s < a.overlap.size(); ++s) expectNear(a.overlap.at(s), b.overlap.at(s), where);
        };
        compare(found.overall, expected.overall);
        for (std::size_t s = 0; s < found.groups.size(); ++s) {
          for (std::size_t g = 0; g < found.groups[s].size(); ++g) compare(found.groups[s][g], expected.groups[s][g]);
        }
      }
    }
  }
}

TEST(GroupedScores, AreThoseOfEachGroupByItself) {
  for (const std::size_t n : {0U, 1U, 2U, 9U, 300U, 5000U}) {
    for (const std::uint64_t impacts : {0U, 1U, 3U, 40U}) {
      for (const std::uint64_t criteria : {0U, 1U, 3U, 40U}) {
        for (const std::uint64_t missing : {0U, 3U, 10U}) {
          const auto impact = values(n, impacts, missing / 2, 1);
          auto criterion = values(n, criteria, missing, 2);
          const std::vector<Grouping> groupings{someGroups(n, 3), someGroups(n, 4)};
          const std::string where = std::to_string(n) + " weights, " + std::to_string(impacts) + " impacts, " +
                                    std::to_string(criteria) + " scores, missing " + std::to_string(missing);
          const auto marks = GroupedScores(impact, groupings).of(criterion);
          expectEqual(marks.overall, scoreOf(criterion, impact), where);
          ASSERT_EQ(marks.groups.size(), groupings.size());
          for (std::size_t g = 0; g < groupings.size(); ++g) {
            ASSERT_EQ(marks.groups[g].size(), groupings[g].groups);
            for (std::size_t group = 0; group < groupings[g].groups; ++group) {
              std::vector<float> own_criterion, own_impact;
              for (std::size_t i = 0; i < n; ++i) {
                if (groupings[g].of[i] != group) continue;
                own_criterion.push_back(criterion[i]);
                own_impact.push_back(impact[i]);
              }
              expectEqual(marks.groups[g][group], scoreOf(own_criterion, own_impact),
                          where + ", group " + std::to_string(group));
            }
          }
        }
      }
    }
  }
}

TEST(GroupedScores, AreLeftOutWhereOnlyTheOverallMarksAreWanted) {
  const auto impact = values(50, 0, 0, 1);
  const std::vector<Grouping> groupings{someGroups(50, 3)};
  const auto marks = GroupedScores(impact, groupings).of(impact, false);
  EXPECT_EQ(marks.overall.spearman, 1);
  EXPECT_TRUE(marks.groups.empty());
}

TEST(GroupedScores, ListsOfTwoLengthsAreADefect) {
  const auto impact = values(5, 0, 0, 1);
  const std::vector<Grouping> groupings{someGroups(4, 3)};
  EXPECT_THROW(GroupedScores(impact, groupings), Error);
  EXPECT_THROW((void)GroupedScores(impact, {}).of(values(4, 0, 0, 1)), Error);
}

TEST(Inversions, AreThePairsThatStandInTheWrongOrder) {
  Random random(5, "inversions");
  for (const std::size_t n : {0U, 1U, 2U, 15U, 16U, 17U, 100U, 1000U}) {
    for (const std::uint64_t below : {1U, 2U, 7U, 5000U}) {
      std::vector<std::uint32_t> list;
      double expected = 0;
      for (std::size_t i = 0; i < n; ++i) {
        list.push_back(static_cast<std::uint32_t>(random.below(below)));
        for (std::size_t j = 0; j < i; ++j) expected += list[j] > list[i] ? 1 : 0;
      }
      // Behind the end stands what must stay.
      std::vector<std::uint32_t> same = list, buffer(n + 1, 7);
      same.push_back(7);
      EXPECT_EQ(countInversions(std::span(same).first(n), std::span(buffer).first(n)), expected)
          << n << " below " << below;
      EXPECT_EQ(same.back() + buffer.back(), 14U);
    }
  }
}

}  // namespace
}  // namespace heft
