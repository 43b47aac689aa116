#include "compare/agreement.hpp"

#include <gtest/gtest.h>

#include "file_helpers.hpp"
#include "unit/example_run.hpp"

namespace heft::test {
namespace {

/// Gates a, b, c with these impacts, and one that this run alone has.
heft::Run gatesRun(const std::vector<double>& impacts, const std::string& own) {
  heft::Run run;
  for (std::size_t i = 0; i <= impacts.size(); ++i) {
    ComponentImpact one;
    one.level = Level::gate;
    one.name = i < impacts.size() ? std::string(1, static_cast<char>('a' + i)) : own;
    one.joint = {{"rms", i < impacts.size() ? impacts[i] : 100.0}};
    run.components.push_back(one);
  }
  return run;
}

TEST(Agreement, HoldsComponentsOfOneNameAgainstEachOther) {
  const std::vector<heft::Run> runs = {gatesRun({1, 2, 3}, "x"), gatesRun({2, 3, 4}, "y"), gatesRun({3, 2, 1}, "z")};
  const auto found = agreementOf(runs, {"one", "two", "three"});
  ASSERT_EQ(found.kinds.size(), 1U);
  const auto& kind = found.kinds[0];
  EXPECT_EQ(kind.common, 3U);
  EXPECT_EQ(kind.missing, 3U);
  EXPECT_NEAR(*kind.spearman[0][1], 1, 1e-15);
  EXPECT_NEAR(*kind.spearman[1][2], -1, 1e-15);
  const auto pairs = pairsOf(kind);
  EXPECT_NEAR(*pairs.mean, -1.0 / 3, 1e-15);
  EXPECT_EQ(pairs.most_b, 1U);
  ASSERT_EQ(kind.components.size(), 3U);
  EXPECT_EQ(kind.components[0].name, "c");  // 3, 4, 1
  EXPECT_DOUBLE_EQ(kind.components[0].mean, 8.0 / 3);
  EXPECT_DOUBLE_EQ(kind.components[2].spread, 1);  // 1, 2, 3
}

TEST(Agreement, OfSingleWeightsComesFromTheSameParametersAlone) {
  const std::vector<heft::Run> alike = {plainRun({1, 1, 1}, {1, 2, 3}), plainRun({2, 2, 2}, {1, 3, 2})};
  const auto found = agreementOf(alike, {"a", "b"});
  ASSERT_EQ(found.kinds.size(), 1U);
  EXPECT_EQ(found.kinds[0].level, Level::weight);
  EXPECT_NEAR(*found.kinds[0].spearman[0][1], 0.5, 1e-15);
  const std::vector<heft::Run> unlike = {plainRun({1, 1}, {1, 2}), plainRun({2, 2, 2}, {1, 3, 2})};
  EXPECT_NE(errorOf(
                [&] {
                  (void)agreementOf(unlike, {"a", "b"});
                },
                Fault::output)
                .find("in common"),
            std::string::npos);
}

}  // namespace
}  // namespace heft::test
