// The C++ API, through its public headers alone.

#include "heft/rank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "heft/error.hpp"

namespace fs = std::filesystem;

namespace {

heft::RankOptions weather() {
  const fs::path models = HEFT_MODELS;
  heft::RankOptions options;
  options.model = models / "weather-gru.pt";
  options.inputs = {models / "weather-gru-inputs.safetensors"};
  options.method = "exhaustive";
  options.parameters = {"rnn.weight_hh_l0[0:8,:]"};
  options.top = 5;
  return options;
}

/// A run folder of this test's own, not there yet.
fs::path freshFolder(const std::string& name) {
  auto folder = fs::path(testing::TempDir()) / ("heft_api_" + name);
  fs::remove_all(folder);
  return folder;
}

heft::Fault faultOf(const heft::RankOptions& options) {
  try {
    (void)heft::rank(options);
  } catch (const heft::Error& error) {
    return error.fault();
  }
  return heft::Fault::internal;
}

const heft::RankedParameter& recurrent(const heft::Ranking& ranking) {
  return *std::find_if(ranking.parameters.begin(), ranking.parameters.end(),
                       [](const auto& one) { return one.name == "rnn.weight_hh_l0"; });
}

}  // namespace

TEST(Rank, GivesEveryParameterInItsShapeWithNaNOutsideTheSelection) {
  const auto ranking = heft::rank(weather());
  const auto& parameter = recurrent(ranking);
  ASSERT_EQ(parameter.shape, (std::vector<std::int64_t>{96, 32}));
  ASSERT_EQ(parameter.impact.size(), 96U * 32U);
  for (std::size_t i = 0; i < parameter.impact.size(); ++i) {
    ASSERT_EQ(std::isnan(parameter.impact[i]), i >= 8U * 32U) << i;
    ASSERT_EQ(parameter.executed[i], i < 8U * 32U ? 1 : 0) << i;
  }
  EXPECT_EQ(ranking.variants, 8U * 32U);
}

TEST(Rank, TopHasTheLargestImpactsInOrder) {
  const auto ranking = heft::rank(weather());
  const auto& parameter = recurrent(ranking);
  auto impacts = std::vector<float>(parameter.impact.begin(), parameter.impact.begin() + 8 * 32);
  std::sort(impacts.begin(), impacts.end(), std::greater<>());
  ASSERT_EQ(ranking.top.size(), 5U);
  for (std::size_t place = 0; place < 5; ++place) {
    const auto& top = ranking.top[place];
    EXPECT_EQ(top.impact, impacts[place]);
    EXPECT_EQ(top.name,
              "rnn.weight_hh_l0[" + std::to_string(top.index / 32) + "," + std::to_string(top.index % 32) + "]");
    EXPECT_EQ(top.weight, parameter.weight[static_cast<std::size_t>(top.index)]);
  }
}

TEST(Rank, ComponentsAreMeasuredJointly) {
  auto options = weather();
  options.parameters = {"rnn.*"};
  options.components = {"gate"};
  const auto ranking = heft::rank(options);
  ASSERT_FALSE(ranking.components.empty());
  for (const auto& one : ranking.components) {
    EXPECT_EQ(one.level, "gate");
    EXPECT_GT(one.impact, 0) << one.name;
  }
}

TEST(Rank, ComponentsAreSplitByLabelsOfSamples) {
  auto options = weather();
  options.parameters = {"rnn.*"};
  options.components = {"gate"};
  const auto all = heft::rank(options);
  EXPECT_TRUE(all.groups.empty());
  options.labels = {"one label too few"};
  EXPECT_THROW((void)heft::rank(options), heft::Error);
  options.labels.clear();
  options.by = "season";
  EXPECT_THROW((void)heft::rank(options), heft::Error);
}

TEST(Rank, StoppedByProgressItGoesOnToTheSameNumbers) {
  struct Stopped {};
  const auto whole = heft::rank(weather());
  auto options = weather();
  options.run = freshFolder("stopped");
  options.progress = [](const std::string&, double share) {
    if (share > 0) throw Stopped();
  };
  EXPECT_THROW((void)heft::rank(options), Stopped);
  EXPECT_FALSE(fs::exists(options.run / "run.json"));
  options.progress = nullptr;
  options.resume = true;
  const auto resumed = heft::rank(options);
  EXPECT_TRUE(fs::exists(options.run / "run.json"));
  const auto again = heft::rank(options);  // finished already: read back
  for (std::size_t i = 0; i < 8U * 32U; ++i) {
    EXPECT_EQ(recurrent(resumed).impact[i], recurrent(whole).impact[i]);
    EXPECT_EQ(recurrent(again).impact[i], recurrent(whole).impact[i]);
  }
  options.seed = 1;
  EXPECT_EQ(faultOf(options), heft::Fault::output);
}

TEST(Rank, LeavesNoFolderWhereNothingWasMeasured) {
  auto options = weather();
  options.run = freshFolder("nothing");
  options.parameters = {"no.such.parameter"};
  EXPECT_EQ(faultOf(options), heft::Fault::usage);
  EXPECT_FALSE(fs::exists(options.run));
}

TEST(Rank, ErrorsAreOfTheKindThatTheCommandEndsWith) {
  auto options = weather();
  options.method = "guess";
  EXPECT_EQ(faultOf(options), heft::Fault::usage);
  options = weather();
  options.device = "tpu";
  EXPECT_EQ(faultOf(options), heft::Fault::usage);
  options = weather();
  options.resume = true;
  EXPECT_EQ(faultOf(options), heft::Fault::usage);
  options = weather();
  options.model = "no-such-model.pt";
  EXPECT_EQ(faultOf(options), heft::Fault::model);
  options = weather();
  options.inputs = {"no-such-inputs.npy"};
  EXPECT_EQ(faultOf(options), heft::Fault::input);
  options = weather();
  options.run = HEFT_MODELS;
  EXPECT_EQ(faultOf(options), heft::Fault::output);
}
