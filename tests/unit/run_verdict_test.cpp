#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "data/words.hpp"
#include "run/findings/judgement.hpp"
#include "run/stored/json_text.hpp"
#include "run/text/verdict.hpp"
#include "unit/example_run.hpp"
#include "unit/file_helpers.hpp"

namespace heft::test {
namespace {

std::vector<float> counting(std::size_t count) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i + 1));
  return values;
}

std::vector<float> reversed(std::vector<float> values) { return {values.rbegin(), values.rend()}; }

Guide guideOf(const heft::Run& run) { return judgeMagnitude(findingsOf(run)).guide; }
std::string sentenceOf(const heft::Run& run) { return judgementSentence(findingsOf(run)); }
std::string certaintyOf(const heft::Run& run) { return certaintySentences(run, findingsOf(run)); }

void expectHolds(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Judgement, CallsMagnitudeAGoodGuideWhereItSortsAsImpactDoes) {
  const heft::Run run = plainRun(counting(100), counting(100));
  EXPECT_EQ(sentenceOf(run),
            "Magnitude is a good guide here: of the 20 weights that matter most, 20 are among the 20 "
            "largest; Spearman "
            "1.00 over 100 weights.");
}

TEST(Judgement, SaysThatMagnitudeMisleadsWhereItSortsBackwards) {
  const heft::Run run = plainRun(counting(100), reversed(counting(100)));
  EXPECT_EQ(sentenceOf(run),
            "Magnitude misleads here: of the 20 weights that matter most, 0 are among the 20 largest; "
            "Spearman -1.00 over "
            "100 weights.");
}

TEST(Judgement, TellsTheTopFromTheRest) {
  // The 20 that matter most are the smallest of all; the others are sorted alike.
  std::vector<float> impacts = counting(1000);
  for (std::size_t i = 0; i < 20; ++i) impacts[i] = 5000 + static_cast<float>(i);
  EXPECT_EQ(guideOf(plainRun(counting(1000), impacts)), Guide::sorts_but_misses_the_top);
  expectHolds(sentenceOf(plainRun(counting(1000), impacts)), "misses those that matter most: of the 20 weights");
  // The 20 that matter most are the largest; the others are sorted backwards.
  std::vector<float> backwards = reversed(counting(1000));
  for (std::size_t i = 980; i < 1000; ++i) backwards[i] = 5000;
  EXPECT_EQ(guideOf(plainRun(counting(1000), backwards)), Guide::finds_the_top_only);
}

TEST(Judgement, GradesTheMiddleAsPoorOrFair) {
  // Of the 20 that matter most, 12 are among the 20 largest, then 8.
  const auto run = [](std::size_t strangers) {
    std::vector<float> impacts = counting(100);
    for (std::size_t i = 0; i < strangers; ++i) std::swap(impacts[i], impacts[80 + i]);
    return plainRun(counting(100), impacts);
  };
  EXPECT_EQ(guideOf(run(5)), Guide::fair);
  EXPECT_EQ(guideOf(run(11)), Guide::poor);
  expectHolds(sentenceOf(run(11)), "Magnitude is a poor guide here: of the 20 weights that matter most, 9 are among");
}

TEST(Judgement, CallsMagnitudeNoGuideWhereItDoesAsBlindChoice) {
  std::vector<float> impacts;
  for (std::size_t i = 0; i < 1000; ++i) impacts.push_back(static_cast<float>((i * 389 + 7) % 1000));
  EXPECT_EQ(guideOf(plainRun(counting(1000), impacts)), Guide::none);
}

TEST(Judgement, LooksAtSpearmanAloneWhereTheTopIsMostOfTheWeights) {
  const std::string sentence = sentenceOf(plainRun(counting(30), counting(30)));
  EXPECT_EQ(sentence, "Magnitude is a good guide here: Spearman 1.00 over 30 weights.");
}

TEST(Judgement, SaysWhatCantBeToldOfTinyEqualAndDeadModels) {
  expectHolds(sentenceOf(plainRun({1, 2}, {1, 2})), "can't be told here: only 2 weights ranked");
  expectHolds(sentenceOf(plainRun(std::vector<float>(50, 1), counting(50))), "all magnitudes or all impacts are equal");
  expectHolds(sentenceOf(plainRun(counting(50), std::vector<float>(50, 0))), "did not move the output at all");
  expectHolds(sentenceOf(plainRun(counting(50), std::vector<float>(50, noFloat))), "No weight was ranked");
}

TEST(Judgement, CountsWeightsThatMoveNothingToNoTop) {
  std::vector<float> impacts(100, 0);
  impacts[99] = 1;
  expectHolds(sentenceOf(plainRun(counting(100), impacts)), "the weight that matters most is the largest; ");
}

Run estimatedRun() {
  heft::Run run = plainRun(counting(100), counting(100));
  ParameterImpacts& values = run.impacts[0];
  for (std::size_t i = 0; i < 90; ++i) {
    values.measured[i] = 0;
    values.lower[i] = values.impact[i] * 0.996F;
    values.upper[i] = values.impact[i] * 1.004F;
  }
  run.settled = SettledFacts{10, true, 0.3, 0.95, 90, 10, 5, ""};
  return run;
}

TEST(Certainty, SaysThatTheTopIsSettledAndHowWideTheIntervalsAre) {
  const std::string text = certaintyOf(estimatedRun());
  expectHolds(text, "The top 10 is settled: at 95 % confidence at most 0 of them are missing.");
  expectHolds(text, "The other 90 weights are estimates; their 95 % intervals span about ±0.4 %.");
  expectHolds(text, "One sample of inputs");
}

TEST(Certainty, SaysWhyTheTopIsNotSettled) {
  heft::Run run = estimatedRun();
  run.settled = SettledFacts{10, false, 2.7, 0.95, 90, 10, 5, "the budget of 500 variants was spent"};
  expectHolds(certaintyOf(run),
              "The top 10 is not settled (the budget of 500 variants was spent): at 95 % confidence at most "
              "2 of them may "
              "be missing.");
  run.settled->missing = endless;
  expectHolds(certaintyOf(run), "how many of them are missing is unknown");
}

TEST(Certainty, SaysWhatWasNotChecked) {
  heft::Run run = estimatedRun();
  run.settled.reset();
  expectHolds(certaintyOf(run), "Whether the top is complete was not checked");
  run.impacts[0].measured.assign(100, 0);
  expectHolds(certaintyOf(run), "estimates that no execution has checked");
  run.impacts[0].measured.assign(100, 1);
  expectHolds(certaintyOf(run), "Every weight was executed");
  run.complete = false;
  expectHolds(certaintyOf(run), "stopped before its end");
}

TEST(Certainty, CountsEstimatesWithoutAnUpperBound) {
  heft::Run run = estimatedRun();
  run.impacts[0].upper[3] = std::numeric_limits<float>::infinity();
  expectHolds(certaintyOf(run), "and 1 of them has no upper bound.");
}

/// A run of two parameters, the second one's intervals twice as wide as its estimates.
heft::Run unevenRun() {
  heft::Run run = estimatedRun();
  run.structure.parameters.push_back(run.structure.parameters[0]);
  run.structure.parameters[1].name = "lstm.weight_hh";
  run.impacts.push_back(run.impacts[0]);
  auto& wide = run.impacts[1];
  for (std::size_t i = 0; i < wide.impact.size(); ++i) {
    if (i >= 60) wide.measured[i] = 1;
    wide.lower[i] = 0;
    wide.upper[i] = 4 * wide.impact[i];
  }
  return run;
}

TEST(Certainty, NamesTheParametersWhoseIntervalsAreWidest) {
  expectHolds(certaintyOf(unevenRun()), "intervals span about ±0.4 %, widest lstm.weight_hh ±200 %.");
  heft::Run run = unevenRun();
  run.impacts[1].upper.assign(100, std::numeric_limits<float>::infinity());
  expectHolds(certaintyOf(run), "widest lstm.weight_hh without an upper bound");
}

TEST(Certainty, SaysOfHowManyWeightsNothingIsKnown) {
  heft::Run run = unevenRun();
  for (std::size_t i = 0; i < 60; ++i) {
    run.impacts[1].impact[i] = noFloat;
    run.impacts[1].upper[i] = std::numeric_limits<float>::infinity();
  }
  expectHolds(certaintyOf(run), "Nothing is known of 60 weights: they have no estimate and were not executed.");
  for (std::size_t i = 0; i < 100; ++i) run.impacts[0].measured[i] = 1;
  EXPECT_EQ(certaintyOf(run).find("Every weight was executed"), std::string::npos) << certaintyOf(run);
}

TEST(Certainty, SaysWhyAutoExecutedEverything) {
  heft::Run run = estimatedRun();
  run.impacts[0].measured.assign(100, 1);
  run.settings.method = Method::automatic;
  expectHolds(certaintyOf(run), "Every weight was executed, which takes less than estimates, or little");
  run.settings.method = Method::exhaustive;
  expectHolds(certaintyOf(run), "Every weight was executed: no impact is an estimate.");
}

TEST(Summary, ListsIntervalsByParameterTheWidestFirst) {
  const heft::Run run = unevenRun();
  const auto intervals = summaryJson(run, findingsOf(run))["intervals"];
  ASSERT_EQ(intervals.size(), 2U);
  EXPECT_EQ(intervals[0]["parameter"], "lstm.weight_hh");
  EXPECT_EQ(intervals[0]["half_width"], 2);
  EXPECT_EQ(intervals[0]["estimated"], 60);
  EXPECT_LT(intervals[1]["half_width"], 0.01);
}

TEST(Certainty, SaysHowImpactsVaryOverInputsAndWhichAreNoise) {
  heft::Run run = estimatedRun();
  run.output.samples = 64;
  run.output.noise = 82;
  for (std::size_t i = 0; i < 100; ++i) run.impacts[0].standard_error[i] = run.impacts[0].impact[i] / 8;
  const std::string text = certaintyOf(run);
  expectHolds(text,
              "Over other inputs like these 64 samples, the top impacts would vary by about ±12 % (standard error).");
  expectHolds(text, "Of the places shown, 2 lie below the float noise of 82");
}

TEST(Verdict, FitsTheTerminalWhateverTheNamesAndNumbers) {
  heft::Run run = exampleRun();
  run.structure.parameters[0].name = "encoder.sublayer.with.a.very.long.näme.indeed.lstm.weight_ih_l0_reverse";
  run.structure.parameters[1].name = std::string(300, 'x');
  run.impacts[1].impact[0] = 1.23456e-30F;
  run.impacts[1].weight[1] = -1.23456e-30F;
  run.impacts[0].lower[1] = 1.234e-30F;
  run.settled->why = std::string(60, 'y') + " " + std::string(60, 'z');
  run.settings.top = 50;
  std::istringstream text(verdict(run, findingsOf(run)));
  std::size_t lines = 0;
  for (std::string line; std::getline(text, line); ++lines) {
    EXPECT_LE(widthOf(line), verdictWidth) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
  EXPECT_GT(lines, 25U);
}

TEST(Verdict, ShowsPlaceNameValueImpactIntervalAndMagnitudeRank) {
  const heft::Run run = exampleRun();
  const std::string text = verdict(run, findingsOf(run));
  expectHolds(text, "The 7 weights that matter most of 39 ranked (the model has 45), by max impact under 'noise:0.1'");
  expectHolds(text,
              "  1  lstm.bias_ih_l0_reverse[0]          0.125      80.1 ± 5             executed             "
              "   36\n");
  expectHolds(text, "70.1 ± 4.4           61.3 … 78.9 ");
  expectHolds(text, "90 % interval");
  expectHolds(text, "lstm.weight_ih_l0_reverse                          24      -1.00                  0 %\n");
}

TEST(Verdict, ShowsSomethingForAModelWithoutAnyWeight) {
  heft::Run run;
  EXPECT_EQ(verdict(run, findingsOf(run)), "No weight was ranked, so nothing can be said about magnitude.\n");
}

TEST(Summary, HoldsWhatTheVerdictSaysWithoutNaNOrInfinity) {
  heft::Run run = exampleRun();
  run.settled->threshold = endless;
  run.impacts[1].upper[1] = std::numeric_limits<float>::infinity();
  run.impacts[1].standard_error[1] = noFloat;
  const std::string text = jsonText(summaryJson(run, findingsOf(run)));
  const nlohmann::json summary = nlohmann::json::parse(text);
  EXPECT_EQ(text.find("infinity"), std::string::npos);
  EXPECT_EQ(summary["top"].size(), 7U);
  EXPECT_EQ(summary["top"][0]["name"], "lstm.bias_ih_l0_reverse[0]");
  EXPECT_EQ(summary["top"][0]["impact"], 80.1);
  EXPECT_EQ(summary["top"][0]["magnitude_rank"], 36);
  EXPECT_TRUE(summary["top"][0]["column"].is_null());
  EXPECT_TRUE(summary["top"][1]["upper"].is_null());
  EXPECT_TRUE(summary["top"][1]["standard_error"].is_null());
  EXPECT_TRUE(summary["settled"]["threshold"].is_null());
  EXPECT_EQ(summary["settled"]["missing"], 0.25);
  EXPECT_EQ(summary["settings"]["metrics"], (nlohmann::json{"max", "kl"}));
  EXPECT_EQ(summary["cost"]["variants"], 1234);
  EXPECT_EQ(summary["weights"], 39);
}

TEST(Words, GroupShortenAndWrap) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(204042), "204,042");
  EXPECT_EQ(grouped(13700000), "13,700,000");
  EXPECT_EQ(shortenedInTheMiddle("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(shortenedInTheMiddle("abcdefghijk", 6), "ab…ijk");
  EXPECT_EQ(shortenedInTheMiddle("ääääää", 4), "ä…ää");
  EXPECT_EQ(wrapped("one two  three", 7), "one two\nthree");
  EXPECT_EQ(wrapped("longer than it", 3), "longer\nthan\nit");
}

}  // namespace
}  // namespace heft::test
