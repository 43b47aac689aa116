#include "mask/component_mask.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "file_helpers.hpp"

namespace heft {
namespace {

using test::errorOf;

/// A matrix of three rows and two columns, measured by row and by column; impacts of rows 3, 1, 2.
Run rowsRun() {
  Run run;
  ParameterInfo info;
  info.name = "fc.weight";
  info.shape = {3, 2};
  run.structure.parameters = {info};
  const auto component = [](const std::string& name, Level level, double impact) {
    ComponentImpact one;
    one.name = name;
    one.level = level;
    one.joint = {{"rms", impact}};
    return one;
  };
  run.components = {component("fc.weight[0,:]", Level::row, 3), component("fc.weight[1,:]", Level::row, 1),
                    component("fc.weight[2,:]", Level::row, 2), component("fc.weight[:,0]", Level::column, 5),
                    component("fc.weight[:,1]", Level::column, 4)};
  return run;
}

ComponentMask maskOf(Level level, double keep) {
  const heft::Run run = rowsRun();
  std::vector<double> scores;
  for (const auto& one : run.components) scores.push_back(one.joint.at("rms"));
  ComponentMaskSettings settings;
  settings.level = level;
  settings.keep = keep;
  return maskOfComponents(run, scores, settings);
}

TEST(ComponentMask, RemovesWholeComponentsOfOneLevel) {
  const auto rows = maskOf(Level::row, 2.0 / 3);
  EXPECT_EQ(rows.mask.kept[0], (std::vector<std::uint8_t>{1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(rows.removed, std::vector<std::string>{"fc.weight[1,:]"});
  EXPECT_EQ(rows.ranked, 3U);
  EXPECT_EQ(rows.mask.ranked[0], 6U);
  EXPECT_EQ(maskOf(Level::column, 0.5).mask.kept[0], (std::vector<std::uint8_t>{1, 0, 1, 0, 1, 0}));
}

TEST(ComponentMask, KeepsOneAtLeast) {
  EXPECT_EQ(maskOf(Level::row, 0.01).mask.kept[0], (std::vector<std::uint8_t>{1, 1, 0, 0, 0, 0}));
}

TEST(ComponentMask, SaysWhichLevelsThereAre) {
  EXPECT_NE(errorOf([] { (void)maskOf(Level::unit, 0.5); }, Fault::usage).find("measured no units, but row, column"),
            std::string::npos);
  EXPECT_NE(errorOf([] { (void)onlyLevel(rowsRun()); }, Fault::usage).find("row, column"), std::string::npos);
}

TEST(ComponentMask, LeavesComponentsWithoutAScore) {
  const heft::Run run = rowsRun();
  const std::vector<double> scores = {3, NAN, 2, 0, 0};
  ComponentMaskSettings settings;
  settings.level = Level::row;
  settings.keep = 0.5;
  const auto found = maskOfComponents(run, scores, settings);
  EXPECT_EQ(found.without_score, 1U);
  EXPECT_EQ(found.mask.kept[0], (std::vector<std::uint8_t>{1, 1, 1, 1, 0, 0}));
}

}  // namespace
}  // namespace heft
