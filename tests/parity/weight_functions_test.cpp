#include "engine/forward/weight_functions.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "measure/weights/component.hpp"
#include "parity/fixtures.hpp"
#include "parity/quality.hpp"

// Parameters that forward reads through functions: masks, signs, norms; and those that lie in memory in some order of their own.

namespace heft::test {
namespace {

/// Functions in which an element follows several rows: first-order estimates alone, which `auto` executes where they are wide.
const std::set<std::string> kMixed{"function_columns", "function_spectral_norm"};

class WeightFunctionFixtures : public testing::TestWithParam<Fixture> {};

TEST_P(WeightFunctionFixtures, EstimatesAreAsGoodAsForPlainWeights) {
  Session session(GetParam().options());
  const auto all = qualityOf(session, 200, 10, 1);
  EXPECT_FALSE(all.empty());
  for (const auto& [name, quality] : all) {
    const bool behind_mixed = kMixed.contains(GetParam().name) && name.starts_with("head");
    if (behind_mixed) continue;
    const bool traced = quality.method == "traced unit response";
    EXPECT_NE(quality.method, "gradient") << name;
    // A row of an embedding that changes whole moves all units of the layer behind it, whose bends are not followed then.
    const bool row_of_embedding = GetParam().name == "function_normed_embedding" && name == "table";
    EXPECT_GE(quality.spearman, traced ? 0.95 : 0.995) << name;
    EXPECT_LE(quality.median, traced ? 0.08 : row_of_embedding ? 0.04 : 0.01) << name;
    // What a head makes is linear in its weights.
    if (name.starts_with("head")) {
      EXPECT_LE(quality.worst, 1e-5) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, WeightFunctionFixtures, testing::ValuesIn(fixturesWith("function")),
                         [](const auto& one) { return one.param.name; });

const WeightLink& linkOf(const Session& session, const std::string& parameter) {
  const auto& model = const_cast<Session&>(session).model();
  for (size_t p = 0; p < model.parameters.size(); ++p) {
    if (model.parameters[p].name == parameter) return *model.functions->linksOf(static_cast<int64_t>(p)).at(0);
  }
  throw std::out_of_range(parameter);
}

TEST(WeightFunctions, TellWhatAnElementFollows) {
  const Session dale(fixture("function_dale_relu").options());
  EXPECT_FALSE(linkOf(dale, "recurrent").by_row);
  const Session normed(fixture("function_norm_lstm").options());
  EXPECT_TRUE(linkOf(normed, "rnn.weight_hh_l0_v").by_row);
  EXPECT_TRUE(linkOf(normed, "rnn.weight_hh_l0_g").by_row);
  const Session turned(fixture("function_turned").options());
  EXPECT_FALSE(linkOf(turned, "head").by_row);
  EXPECT_EQ(linkOf(turned, "head").target[1], 4);  // row 0, column 1 of [4, 8] is row 1, column 0 of [8, 4]
  const Session parts(fixture("function_gru_of_parts").options());
  EXPECT_EQ(linkOf(parts, "others").target[0], 24);  // below the eight rows of three of the first part
}

TEST(WeightFunctions, UnitsReachThroughThemToTheParameters) {
  const Session pruned(fixture("function_pruned_lstm").options());
  const auto unit = parseComponent(pruned.structure(), "rnn.l0:unit=3:path=incoming");
  EXPECT_EQ(unit.weights(), 4 * (4 + 10 + 2));  // the rows of four gates: inputs, units, two biases
  EXPECT_EQ(parseComponent(pruned.structure(), "rnn.l1:unit=0:path=outgoing").weights(), 4 * 10 + 3);
  const Session normed(fixture("function_norm_gru").options());
  // Each row of the recurrent weights has a direction and a gain.
  EXPECT_EQ(parseComponent(normed.structure(), "rnn.l0:unit=0:path=incoming").weights(), 3 * (4 + 8 + 1 + 2));
  const Session parts(fixture("function_gru_of_parts").options());
  ASSERT_EQ(parts.structure().layers.size(), 1U);
  EXPECT_EQ(parseComponent(parts.structure(), parts.structure().layers[0].name + ":unit=2:path=incoming").weights(),
            3 * (3 + 8 + 2));
}

TEST(WeightFunctions, AUnitsReaderMayStandToTheRight) {
  const Session session(fixture("function_matmul_head").options());
  const auto unit = parseComponent(session.structure(), "rnn.l0:unit=7:path=outgoing");
  ASSERT_EQ(unit.sets.size(), 2U);
  EXPECT_EQ(unit.sets[0].index.size() + unit.sets[1].index.size(), 32U + 2U);
}

}  // namespace
}  // namespace heft::test
