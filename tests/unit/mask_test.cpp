#include "mask/mask.hpp"

#include <gtest/gtest.h>

#include "compare/measures/weight_criteria.hpp"
#include "data/safetensors.hpp"
#include "unit/example_run.hpp"
#include "unit/file_helpers.hpp"

namespace heft::test {
namespace {

using Kept = std::vector<std::uint8_t>;

/// Two matrices, then a bias.
Structure twoMatrices() {
  Structure structure;
  structure.parameters = {parameterInfo("a.weight", {2, 2}), parameterInfo("b.weight", {2, 3}),
                          parameterInfo("b.bias", {3})};
  return structure;
}

CriterionScores scored(std::vector<std::vector<float>> scores) { return {"mine", "mine", std::move(scores), 0}; }

const auto kScores = scored({{9, 8, 7, 1}, {2, 3, 4, 5, 6, 0}, {100, 200, 300}});

TEST(Mask, KeepsTheShareWithTheHighestScoresOfAllTogether) {
  const auto mask = maskOf(kScores, twoMatrices(), {0.4, false, false});
  EXPECT_EQ(mask.kept[0], (Kept{1, 1, 1, 0}));
  EXPECT_EQ(mask.kept[1], (Kept{0, 0, 0, 0, 1, 0}));
  EXPECT_EQ(mask.removed(), 6U);
  EXPECT_EQ(mask.rankedWeights(), 10U);
}

TEST(Mask, KeepsTheShareInEachMatrix) {
  const auto mask = maskOf(kScores, twoMatrices(), {0.5, true, false});
  EXPECT_EQ(mask.kept[0], (Kept{1, 1, 0, 0}));
  EXPECT_EQ(mask.kept[1], (Kept{0, 0, 1, 1, 1, 0}));
}

TEST(Mask, LeavesVectorsAloneAndOutOfTheShareUnlessTheyAreAskedFor) {
  const auto without = maskOf(kScores, twoMatrices(), {0.1, false, false});
  EXPECT_EQ(without.kept[2], (Kept{1, 1, 1}));
  EXPECT_EQ(without.vectors, 3U);
  EXPECT_EQ(without.kept[0], (Kept{1, 0, 0, 0}));
  const auto with = maskOf(kScores, twoMatrices(), {3.0 / 13, false, true});
  EXPECT_EQ(with.kept[2], (Kept{1, 1, 1}));
  EXPECT_EQ(with.removed(), 10U);
  EXPECT_EQ(with.vectors, 0U);
}

TEST(Mask, OfEqualScoresTheFirstStays) {
  const auto mask = maskOf(scored({{1, 1, 1, 1}, {1, 2, 1, 1, 1, 0}, {0, 0, 0}}), twoMatrices(), {0.5, false, false});
  EXPECT_EQ(mask.kept[0], (Kept{1, 1, 1, 1}));
  EXPECT_EQ(mask.kept[1], (Kept{0, 1, 0, 0, 0, 0}));
}

TEST(Mask, WeightsWithoutAScoreStayAndDontCount) {
  const auto mask = maskOf(scored({{noFloat, 4, noFloat, 1}, {2, 3, noFloat, noFloat, noFloat, noFloat}, {0, 0, 0}}),
                           twoMatrices(), {0.5, false, false});
  EXPECT_EQ(mask.kept[0], (Kept{1, 1, 1, 0}));
  EXPECT_EQ(mask.kept[1], (Kept{0, 1, 1, 1, 1, 1}));
  EXPECT_EQ(mask.without_score, 6U);
  EXPECT_EQ(mask.ranked, (std::vector<std::size_t>{2, 2, 0}));
}

TEST(Mask, InfiniteScoresAreTheHighest) {
  const auto infinite = std::numeric_limits<float>::infinity();
  const auto mask = maskOf(scored({{1, infinite, -infinite, 2}, {0, 0, 0, 0, 0, infinite}, {0, 0, 0}}), twoMatrices(),
                           {0.2, false, false});
  EXPECT_EQ(mask.kept[0], (Kept{0, 1, 0, 0}));
  EXPECT_EQ(mask.kept[1], (Kept{0, 0, 0, 0, 0, 1}));
}

TEST(Mask, AllStayAtOneAndOneStaysHoweverSmallTheShare) {
  EXPECT_EQ(maskOf(kScores, twoMatrices(), {1, false, false}).removed(), 0U);
  const auto mask = maskOf(kScores, twoMatrices(), {1e-9, true, false});
  EXPECT_EQ(mask.kept[0], (Kept{1, 0, 0, 0}));
  EXPECT_EQ(mask.kept[1], (Kept{0, 0, 0, 0, 1, 0}));
}

TEST(Mask, AShareOutsideItsRangeIsRefused) {
  for (const double keep : {0.0, -0.1, 1.01, noDouble, endless})
    EXPECT_NE(errorOf(
                  [&] {
                    (void)maskOf(kScores, twoMatrices(), {keep, false, false});
                  },
                  Fault::usage)
                  .find("share"),
              std::string::npos);
}

TEST(Mask, NothingToRankIsRefusedAndBiasesAreNamedWhereTheyWouldHelp) {
  const Kept none;
  const std::vector<float> four(4, noFloat), six(6, noFloat);
  const auto only_bias = scored({four, six, {1, 2, 3}});
  EXPECT_NE(errorOf([&] { (void)maskOf(only_bias, twoMatrices(), {}); }, Fault::usage).find("biases takes them in"),
            std::string::npos);
  EXPECT_NO_THROW((void)maskOf(only_bias, twoMatrices(), {0.5, false, true}));
}

TEST(Mask, VectorsAreKnownByShapeRoleAndName) {
  EXPECT_TRUE(isVector(parameterInfo("norm.weight", {8})));
  EXPECT_TRUE(isVector(parameterInfo("gain", {})));
  EXPECT_TRUE(isVector(parameterInfo("cell.bias_ih", {1, 8})));
  EXPECT_FALSE(isVector(parameterInfo("head.weight", {1, 8})));
  auto role = parameterInfo("linear0.b", {1, 8});
  role.role = "bias";
  EXPECT_TRUE(isVector(role));
}

TEST(MaskFile, HoldsBooleansOfEachNameAndShapeTiedOnesAlike) {
  const TemporaryFolder folder;
  auto structure = twoMatrices();
  structure.parameters[0].tied = {"head.weight"};
  const auto mask = maskOf(kScores, structure, {0.4, false, false});
  writeMask(mask, structure, "mine", {0.4, false, false}, folder / "mask.safetensors");
  const auto file = readSafetensors(folder / "mask.safetensors");
  ASSERT_EQ(file.tensors.size(), 4U);
  std::map<std::string, StoredTensor> tensors;
  for (const auto& one : file.tensors) tensors[one.name] = one;
  EXPECT_EQ(tensors.at("a.weight").scalar, Scalar::boolean);
  EXPECT_EQ(tensors.at("a.weight").shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(tensors.at("head.weight").bytes, tensors.at("a.weight").bytes);
  EXPECT_EQ(asDoubles(tensors.at("a.weight")), (std::vector<double>{1, 1, 1, 0}));
  EXPECT_EQ(asDoubles(tensors.at("b.bias")), (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(file.metadata.at("keep"), "0.4");
}

TEST(WeightCriteria, AreWhatTheyAreCalled) {
  const WeightScores weights{{3, -4, 0, 0}, {-2}, {0, 0}};
  EXPECT_EQ(scoresOfWeights(Criterion::magnitude, weights, 0), (WeightScores{{3, 4, 0, 0}, {2}, {0, 0}}));
  // The first matrix has an rms of 2.5.
  EXPECT_EQ(normalisedMagnitudes(weights), (WeightScores{{1.2F, 1.6F, 0, 0}, {1}, {0, 0}}));
  EXPECT_FALSE(scoresOfWeights(Criterion::wanda, weights, 0));
  EXPECT_EQ(randomScores(weights, 5, 1), scoresOfWeights(Criterion::random, weights, 5));
  EXPECT_NE(randomScores(weights, 5, 1), randomScores(weights, 6, 1));
}

}  // namespace
}  // namespace heft::test
