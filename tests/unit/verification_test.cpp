#include "run/findings/verification.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

namespace heft {
namespace {

/// One parameter of `weights` weights; every `step`-th was executed, the last one is not part of the run.
Run runOf(std::size_t weights, std::size_t step) {
  Run run;
  run.output.rms = 1;
  run.structure.parameters.resize(1);
  run.structure.parameters[0].name = "w";
  run.structure.parameters[0].shape = {static_cast<std::int64_t>(weights)};
  ParameterImpacts impacts;
  for (std::size_t i = 0; i < weights; ++i) {
    const bool last = i + 1 == weights;
    const float impact = last ? std::numeric_limits<float>::quiet_NaN() : 0.01F * static_cast<float>(i + 1);
    const bool executed = !last && i % step == 0;
    impacts.weight.push_back(1);
    impacts.impact.push_back(impact);
    impacts.standard_error.push_back(0);
    impacts.lower.push_back(executed ? impact : impact * 0.9F);
    impacts.upper.push_back(executed ? impact : impact * 1.1F);
    impacts.measured.push_back(executed ? 1 : 0);
  }
  run.impacts.push_back(impacts);
  return run;
}

/// Drawn weights whose references equal the run's impacts.
std::vector<VerifiedWeight> honest(const Run& run, std::size_t sample) {
  auto weights = drawForVerification(run, sample, 0);
  for (auto& weight : weights) weight.reference = weight.impact;
  return weights;
}

TEST(Verification, DrawsHalfOfEachKindAndFillsUpWhereOneIsShort) {
  const auto run = runOf(201, 10);  // 20 executed, 180 estimated
  for (const auto& [sample, executed] :
       std::map<std::size_t, std::size_t>{{10, 5}, {40, 20}, {100, 20}, {190, 20}, {1000, 20}}) {
    const auto weights = drawForVerification(run, sample, 1);
    EXPECT_EQ(weights.size(), std::min<std::size_t>(sample, 200));
    EXPECT_EQ(std::count_if(weights.begin(), weights.end(), [](const auto& each) { return each.executed; }),
              static_cast<std::ptrdiff_t>(executed))
        << sample;
  }
}

TEST(Verification, EveryEstimateIsDrawnAsOftenAsEveryOther) {
  const auto run = runOf(51, 2);  // 25 estimated
  std::map<std::int64_t, int> count;
  constexpr int kDraws = 4000;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    for (const auto& weight : drawForVerification(run, 10, seed)) {
      if (!weight.executed) ++count[weight.index];
    }
  }
  ASSERT_EQ(count.size(), 25U);
  // Each is drawn with probability 5 / 25: 800 times, with a deviation of 25.
  for (const auto& [index, times] : count) EXPECT_NEAR(times, 800, 5 * 25) << index;
}

TEST(Verification, AnHonestRunPasses) {
  const auto run = runOf(201, 2);
  const auto found = verificationOf(run, honest(run, 100));
  EXPECT_TRUE(found.failures.empty());
  EXPECT_EQ(found.inside, 50U);
  EXPECT_EQ(found.executed.most, 0);
  EXPECT_DOUBLE_EQ(*found.spearman, 1);
}

TEST(Verification, OneExecutedWeightThatIsOffFailsAndIsNamed) {
  const auto run = runOf(201, 2);
  auto weights = honest(run, 100);
  for (const double off : {1.0002, 0.9998}) {
    auto changed = weights;
    const auto at = std::find_if(changed.begin(), changed.end(), [](const auto& each) { return each.executed; });
    at->reference *= off;
    const auto found = verificationOf(run, changed);
    ASSERT_EQ(found.failures.size(), 1U);
    EXPECT_NE(found.failures[0].find("w[" + std::to_string(at->index) + "]"), std::string::npos) << found.failures[0];
  }
}

TEST(Verification, ImpactsTooSmallForARelativeErrorAreComparedByTheirSize) {
  auto run = runOf(201, 1);
  run.output.rms = 1e5;  // small is 0.1: weights of index 0 to 9
  auto weights = honest(run, 200);
  weights[0].reference += 0.9e-5;
  EXPECT_TRUE(verificationOf(run, weights).failures.empty());
  weights[0].reference += 0.2e-5;
  EXPECT_EQ(verificationOf(run, weights).failures.size(), 1U);
  run.output.noise = 2e-6;
  EXPECT_TRUE(verificationOf(run, weights).failures.empty());
}

TEST(Verification, CoverageFailsOnlyWhereChanceDoesNotExplainIt) {
  const auto run = runOf(201, 2);
  auto weights = honest(run, 100);
  std::size_t outside = 0;
  for (auto& weight : weights) {
    if (weight.executed) continue;
    weight.reference *= 1.2;
    const auto found = verificationOf(run, weights);
    EXPECT_EQ(found.inside, 50 - ++outside);
    // Of 50 at 95 %, P(X <= 43) = 0.0118 and P(X <= 42) = 0.0032.
    EXPECT_EQ(found.failures.empty(), outside <= 7) << outside;
    if (outside == 9) break;
  }
}

TEST(Verification, SaysThatChanceAllowsFewerThanWerePromised) {
  const auto run = runOf(201, 10);
  auto weights = honest(run, 60);
  int off = 0;
  for (auto& weight : weights) {
    if (!weight.executed && off < 4) {
      weight.reference = 2 * weight.upper;
      ++off;
    }
  }
  const auto found = verificationOf(run, weights);
  ASSERT_TRUE(found.failures.empty());
  EXPECT_NE(verificationText(found).find("That is what chance allows"), std::string::npos) << verificationText(found);
  const auto all = verificationOf(run, honest(run, 60));
  EXPECT_EQ(verificationText(all).find("chance"), std::string::npos) << verificationText(all);
}

}  // namespace
}  // namespace heft
