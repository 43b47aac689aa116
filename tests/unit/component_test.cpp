#include "measure/weights/component.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "file_helpers.hpp"
#include "structure_helpers.hpp"

namespace heft {
namespace {

using test::errorOf;
using Places = std::vector<std::int64_t>;
using Sets = std::map<std::int64_t, Places>;

const Structure kModel = test::smallStructure();

Component parsed(std::string_view text) { return parseComponent(kModel, text); }

Sets setsOf(const Component& component) {
  Sets sets;
  for (const auto& set : component.sets) EXPECT_TRUE(sets.emplace(set.parameter, set.index).second);
  return sets;
}

Sets setsOf(std::string_view text) { return setsOf(parsed(text)); }

std::string refusal(std::string_view text) {
  return errorOf([&] { (void)parsed(text); }, Fault::usage);
}

std::vector<Component> enumerated(const std::vector<Level>& levels, const std::vector<std::string>& patterns = {},
                                  std::span<const UnitPath> paths = {&kUnitPaths.back(), 1}) {
  return enumerateComponents(kModel, levels, select(kModel, patterns), paths);
}

std::vector<std::string> namesOf(const std::vector<Component>& components) {
  std::vector<std::string> names;
  for (const auto& component : components) names.push_back(component.name);
  return names;
}

TEST(Component, PlacesInBracketsAreAWeightARowAColumnOrPartOfAMatrix) {
  EXPECT_EQ(setsOf("fc.weight[1,2]"), (Sets{{17, {7}}}));
  EXPECT_EQ(parsed("fc.weight[1,2]").level, Level::weight);
  EXPECT_EQ(setsOf("fc.weight[1,:]"), (Sets{{17, {5, 6, 7, 8, 9}}}));
  EXPECT_EQ(parsed("fc.weight[1,:]").level, Level::row);
  EXPECT_EQ(setsOf("fc.weight[:,2]"), (Sets{{17, {2, 7}}}));
  EXPECT_EQ(parsed("fc.weight[:,2]").level, Level::column);
  EXPECT_EQ(setsOf("fc.weight[:,1:3]"), (Sets{{17, {1, 2, 6, 7}}}));
  EXPECT_EQ(parsed("fc.weight[:,1:3]").level, Level::matrix);
  EXPECT_EQ(setsOf("fc.bias"), (Sets{{18, {0, 1}}}));
  EXPECT_EQ(parsed("fc.bias[0]").level, Level::weight);
  EXPECT_EQ(setsOf("conv.weight[1,:]"), setsOf("conv.weight[1,:,:]"));
}

TEST(Component, AComponentHasOneNameHoweverItIsWritten) {
  const std::vector<std::pair<const char*, const char*>> names{{"fc.weight[-1,-3]", "fc.weight[1,2]"},
                                                               {"fc.weight[1]", "fc.weight[1,:]"},
                                                               {"fc.weight[1:,:]", "fc.weight[1,:]"},
                                                               {"fc.weight[:,:]", "fc.weight"},
                                                               {"fc.weight[0:2, 1::2]", "fc.weight[:,1:4:2]"},
                                                               {"fc.weight[:,-3:]", "fc.weight[:,2:5]"},
                                                               {"fc.bias[1,:]", "fc.bias[1]"},
                                                               {"conv.weight[1,5]", "conv.weight[1,1,1]"},
                                                               {"conv.weight[1,:,:]", "conv.weight[1,:]"},
                                                               {"conv.weight[:,1,1]", "conv.weight[:,5]"},
                                                               {"conv.weight[:,1,:]", "conv.weight[:,1,:]"},
                                                               {"decoder.weight[0,0]", "encoder.embedding.weight[0,0]"},
                                                               {"lstm.l0:unit=-1:path=all", "lstm.l0:unit=1"}};
  for (const auto& [written, name] : names) {
    EXPECT_EQ(parsed(written).name, name);
    EXPECT_EQ(setsOf(written), setsOf(name)) << written;
    EXPECT_EQ(parsed(name).name, name);
  }
}

TEST(Component, TheOnlyRowOfAMatrixIsNotTheMatrix) {
  test::StructureBuilder model;
  model.parameter("w", {1, 3});
  EXPECT_EQ(parseComponent(model.structure, "w[0,:]").name, "w[0,:]");
  EXPECT_EQ(parseComponent(model.structure, "w[0,:]").level, Level::row);
  EXPECT_EQ(parseComponent(model.structure, "w[0:1,:]").name, "w");
  EXPECT_EQ(parseComponent(model.structure, "w[:,1]").name, "w[:,1]");
  EXPECT_EQ(parseComponent(model.structure, "w[:,1]").level, Level::column);
}

TEST(Component, AGateIsItsRowsInTheFourTensorsOfItsLayerOrInOneOfThem) {
  // Two units: the forget gate has rows 2 and 3.
  EXPECT_EQ(setsOf("lstm.l0:gate=forget"),
            (Sets{{0, {6, 7, 8, 9, 10, 11}}, {1, {4, 5, 6, 7}}, {2, {2, 3}}, {3, {2, 3}}}));
  EXPECT_EQ(setsOf("lstm.weight_hh_l0:gate=forget"), (Sets{{1, {4, 5, 6, 7}}}));
  EXPECT_EQ(parsed("lstm.weight_hh_l0:gate=forget").level, Level::gate);
  EXPECT_EQ(setsOf("proj.bias_hh_l0:gate=output"), (Sets{{11, {9, 10, 11}}}));
}

TEST(Component, AUnitsPathsAreItsRowsItsColumnsAndItsRecurrence) {
  // Unit 1 of 2 has rows 1, 3, 5, 7; weight_ih is 3 wide, weight_hh 2.
  EXPECT_EQ(setsOf("lstm.l0:unit=1:path=incoming"), (Sets{{0, {3, 4, 5, 9, 10, 11, 15, 16, 17, 21, 22, 23}},
                                                          {1, {2, 3, 6, 7, 10, 11, 14, 15}},
                                                          {2, {1, 3, 5, 7}},
                                                          {3, {1, 3, 5, 7}}}));
  // Its column in weight_hh and in the next layer; the head doesn't read it.
  const Places column{1, 3, 5, 7, 9, 11, 13, 15};
  EXPECT_EQ(setsOf("lstm.l0:unit=1:path=outgoing"), (Sets{{1, column}, {4, column}}));
  EXPECT_EQ(setsOf("lstm.l0:unit=0:path=outgoing")[17], (Places{2, 7}));
  EXPECT_EQ(setsOf("lstm.l0:unit=1:path=recurrent"), (Sets{{1, {1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15}}}));
  EXPECT_EQ(parsed("lstm.l0:unit=1:path=recurrent").path, "recurrent");
}

TEST(Component, AllPathsAreTheUnionOfThePaths) {
  for (const char* unit : {"lstm.l0:unit=0", "lstm.l1_reverse:unit=1", "proj.l0:unit=2", "rnn.l0:unit=1"}) {
    std::map<std::int64_t, std::set<std::int64_t>> united, all;
    for (const char* path : {"incoming", "outgoing", "recurrent"}) {
      for (const auto& [parameter, places] : setsOf(std::string(unit) + ":path=" + path))
        united[parameter].insert(places.begin(), places.end());
    }
    for (const auto& [parameter, places] : setsOf(unit)) {
      all[parameter] = {places.begin(), places.end()};
      EXPECT_EQ(all[parameter].size(), places.size()) << "a place stands twice";
      EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
    }
    EXPECT_EQ(all, united) << unit;
    EXPECT_EQ(parsed(unit).path, "all");
  }
}

TEST(Component, AProjectedUnitIsReadByTheProjectionAlone) {
  // Three units, two projected values: weight_hh (parameter 9) is [12, 2], weight_hr (12) is [2, 3].
  EXPECT_EQ(setsOf("proj.l0:unit=2:path=outgoing"), (Sets{{12, {2, 5}}}));
  // The head's columns read projected values, whatever their number.
  EXPECT_EQ(setsOf("proj.l0:unit=0:path=outgoing"), (Sets{{12, {0, 3}}}));
  EXPECT_EQ(setsOf("proj.l0:unit=2:path=recurrent"), (Sets{{9, {4, 5, 10, 11, 16, 17, 22, 23}}}));
}

TEST(Component, ALayerIsAllItsParametersAndAModuleItsOwn) {
  EXPECT_EQ(parsed("proj.l0").weights(), 24 + 24 + 12 + 12 + 6);
  EXPECT_EQ(parsed("lstm.l1_reverse").sets.front().parameter, 4);
  EXPECT_EQ(setsOf("fc"), (Sets{{17, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}, {18, {0, 1}}}));
  EXPECT_EQ(parsed("fc").level, Level::layer);
  EXPECT_EQ(parsed("encoder.embedding").weights(), 6);
}

TEST(Component, ANameThatMeansNothingIsAnsweredWithWhatThereIs) {
  EXPECT_EQ(refusal("lstm.l2"), "component 'lstm.l2': nothing is called 'lstm.l2'; did you mean lstm.l0?");
  EXPECT_NE(refusal("fc.weihgt[0,0]").find("did you mean fc.weight?"), std::string::npos);
  EXPECT_NE(refusal("lstm.l0[0,0]").find("no parameter is called 'lstm.l0'"), std::string::npos);
  EXPECT_NE(refusal("lstm.l0:gate=forgot").find("there are: input, forget, cell, output"), std::string::npos);
  EXPECT_NE(refusal("fc.weight:gate=input").find("not stacked by gate"), std::string::npos);
  EXPECT_NE(refusal("fc:unit=0").find("fc is no recurrent layer; gates and units belong to: lstm.l0,"),
            std::string::npos);
  EXPECT_NE(refusal("lstm.weight_hh_l0:unit=0").find("units belong to layers: lstm.l0,"), std::string::npos);
  EXPECT_NE(refusal("lstm.l0:unit=2").find("unit 2 is out of range; lstm.l0 has 2 units"), std::string::npos);
  EXPECT_NE(refusal("lstm.l0:unit=-3").find("has 2 units"), std::string::npos);
  EXPECT_NE(refusal("lstm.l0:unit=x").find("a unit is a number"), std::string::npos);
  EXPECT_NE(refusal("lstm.l0:unit=1:path=in").find("there are: incoming, outgoing, recurrent, all"), std::string::npos);
  for (const char* text : {"lstm.l0:", "lstm.l0:gate", "lstm.l0:gate=", "lstm.l0:head=1", "lstm.l0:unit=1:unit=1"})
    EXPECT_NE(refusal(text).find("gate=NAME, unit=N or unit=N:path=PATH was expected"), std::string::npos) << text;
  EXPECT_NE(refusal("lstm.l0:gate=input:unit=1").find("two components"), std::string::npos);
  EXPECT_NE(refusal("lstm.l0:path=incoming").find("goes with a unit"), std::string::npos);
  EXPECT_NE(refusal("lstm.weight_hh_l0[0,:]:gate=input").find("close at the end"), std::string::npos);
}

TEST(Component, EveryEnumeratedNameReadsBackAsTheSameWeights) {
  const auto components =
      enumerated({Level::row, Level::column, Level::unit, Level::gate, Level::matrix, Level::layer}, {}, kUnitPaths);
  std::set<std::string> names;
  for (const auto& component : components) {
    const Component again = parsed(component.name);
    EXPECT_EQ(again.name, component.name);
    EXPECT_EQ(again.level, component.level) << component.name;
    EXPECT_EQ(again.path, component.path) << component.name;
    EXPECT_EQ(setsOf(again), setsOf(component)) << component.name;
    EXPECT_TRUE(names.insert(component.name).second) << component.name;
  }
}

TEST(Component, LevelsAreEnumeratedInTheStructuresOrder) {
  EXPECT_EQ(
      namesOf(enumerated({Level::layer})),
      (std::vector<std::string>{"lstm.l0", "lstm.l1_reverse", "proj.l0", "rnn.l0", "fc", "conv", "encoder.embedding"}));
  EXPECT_EQ(enumerated({Level::matrix}).size(), 22U);
  EXPECT_EQ(enumerated({Level::gate}).size(), 12U);  // none of the plain RNN
  EXPECT_EQ(enumerated({Level::unit}).size(), 2U + 2 + 3 + 3);
  EXPECT_EQ(enumerated({Level::unit}, {}, kUnitPaths).size(), 4U * 10);
  EXPECT_EQ(namesOf(enumerated({Level::column, Level::column}, {"fc.*"})),
            (std::vector<std::string>{"fc.weight[:,0]", "fc.weight[:,1]", "fc.weight[:,2]", "fc.weight[:,3]",
                                      "fc.weight[:,4]"}));
  EXPECT_EQ(enumerated({Level::column}, {"conv.*"}).size(), 12U);
  EXPECT_TRUE(enumerated({Level::weight}).empty());
}

TEST(Component, WhatTheSelectionHoldsOnlyInPartIsLeftOut) {
  EXPECT_EQ(namesOf(enumerated({Level::row}, {"fc.weight[1,:]", "lstm.weight_hh_l0[:,0]"})),
            (std::vector<std::string>{"fc.weight[1,:]"}));
  // Unit 0 of lstm.l0 is read by the head, unit 1 is not.
  EXPECT_EQ(namesOf(enumerated({Level::unit}, {"lstm.*"})),
            (std::vector<std::string>{"lstm.l0:unit=1", "lstm.l1_reverse:unit=0", "lstm.l1_reverse:unit=1"}));
}

TEST(Component, ALevelWithoutComponentsIsRefused) {
  const std::string partly = errorOf([] { (void)enumerated({Level::gate}, {"*.weight_hh*"}); }, Fault::usage);
  EXPECT_NE(partly.find("none of the model's 12 lies wholly within parameters"), std::string::npos);
  test::StructureBuilder linear;
  linear.parameter("fc.weight", {2, 2});
  const std::vector<Level> levels{Level::unit};
  EXPECT_EQ(
      errorOf([&] { (void)enumerateComponents(linear.structure, levels, select(linear.structure, {})); }, Fault::usage),
      "level unit: the model has no unit");
}

TEST(Component, AModuleThatIsARecurrentLayerIsOnlyThat) {
  test::StructureBuilder model;
  model.layer("cell", "", {}, 2, 2, 2);
  model.structure.layers[0].name = "cell";
  model.parameter("cell.scale", {2});
  const std::vector<Level> levels{Level::layer};
  const auto layers = enumerateComponents(model.structure, levels, select(model.structure, {}));
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].weights(), 4 + 4 + 2 + 2);
}

}  // namespace
}  // namespace heft
