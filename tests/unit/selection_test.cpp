#include "measure/weights/selection.hpp"

#include "file_helpers.hpp"
#include "measure/weights/block.hpp"
#include "measure/weights/near_names.hpp"
#include "model/weight_label.hpp"
#include "structure_helpers.hpp"

namespace heft {
namespace {

using test::errorOf;
using Places = std::vector<std::int64_t>;

const Structure kModel = test::smallStructure();

Selection chosen(const std::vector<std::string>& patterns) { return select(kModel, patterns); }

std::string refusal(const std::string& pattern) {
  return errorOf([&] { (void)chosen({pattern}); }, Fault::usage);
}

Places placesIn(const Selection& selection, std::int64_t parameter) {
  Places places;
  const std::int64_t weights = kModel.parameters[static_cast<std::size_t>(parameter)].weights();
  for (std::int64_t i = 0; i < weights; ++i) {
    if (selection.contains(parameter, i)) places.push_back(i);
  }
  return places;
}

TEST(Selection, WithoutPatternsEveryWeightIsSelected) {
  const Selection all = chosen({});
  EXPECT_EQ(all.weights(0), 24);
  EXPECT_EQ(all.weights(21), 1);
  std::int64_t weights = 0;
  for (const auto& parameter : kModel.parameters) weights += parameter.weights();
  EXPECT_EQ(all.weights(), weights);
}

TEST(Selection, AStarMatchesAnyTextAndDots) {
  const Selection selection = chosen({"*.weight_hh*"});
  EXPECT_EQ(selection.weights(), 16 + 16 + 24 + 9);
  EXPECT_TRUE(selection.mask[0].empty());
  EXPECT_EQ(chosen({"enc*weight"}).weights(20), 6);
  EXPECT_EQ(chosen({"fc.b?as"}).weights(), 2);
  EXPECT_FALSE(matchesGlob("fc.*s", "fc.bias.x"));
  EXPECT_TRUE(matchesGlob("*a*b*", "xaab"));
  EXPECT_FALSE(matchesGlob("?", ""));
}

TEST(Selection, PatternsAddUp) {
  const Selection selection = chosen({"fc.bias[0]", "fc.bias[1]", "fc.bias[1]", "fc.weight[0,0]"});
  EXPECT_EQ(selection.weights(18), 2);
  EXPECT_EQ(selection.weights(), 3);
}

TEST(Selection, RangesAreThoseOfPython) {
  EXPECT_EQ(placesIn(chosen({"fc.weight[1,2]"}), 17), (Places{7}));
  EXPECT_EQ(placesIn(chosen({"fc.weight[-1,-2:]"}), 17), (Places{8, 9}));
  EXPECT_EQ(placesIn(chosen({"fc.weight[:1, 1:-1]"}), 17), (Places{1, 2, 3}));
  EXPECT_EQ(placesIn(chosen({"fc.weight[:,::2]"}), 17), (Places{0, 2, 4, 5, 7, 9}));
  EXPECT_EQ(placesIn(chosen({"fc.weight[:,1::3]"}), 17), (Places{1, 4, 6, 9}));
  EXPECT_EQ(placesIn(chosen({"fc.weight[0]"}), 17), (Places{0, 1, 2, 3, 4}));
  EXPECT_EQ(placesIn(chosen({"fc.weight[:,0:5:9223372036854775807]"}), 17), (Places{0, 5}));
}

TEST(Selection, AVectorIsAMatrixWithOneColumn) {
  EXPECT_EQ(placesIn(chosen({"lstm.bias_ih_l0[2:4,:]"}), 2), (Places{2, 3}));
  EXPECT_EQ(placesIn(chosen({"lstm.bias_ih_l0[2,0]"}), 2), (Places{2}));
  EXPECT_EQ(placesIn(chosen({"temperature[0]"}), 21), (Places{0}));
}

TEST(Selection, MoreDimensionsTakeAnIndexEachOrRowsAndFlattenedColumns) {
  EXPECT_EQ(placesIn(chosen({"conv.weight[1,2,3]"}), 19), (Places{23}));
  EXPECT_EQ(placesIn(chosen({"conv.weight[1,11]"}), 19), (Places{23}));
  EXPECT_EQ(placesIn(chosen({"conv.weight[1,0:2,1:3]"}), 19), (Places{13, 14, 17, 18}));
  EXPECT_EQ(placesIn(chosen({"conv.weight[:,1,-1]"}), 19), (Places{7, 19}));
}

TEST(Selection, ATiedParameterGoesByEachOfItsNames) {
  EXPECT_EQ(placesIn(chosen({"decoder.*[1,:]"}), 20), (Places{2, 3}));
}

TEST(Selection, AGlobThatMatchesNothingIsAnsweredWithNamesThatAreNear) {
  EXPECT_EQ(refusal("fc.bais"), "no parameter matches 'fc.bais'; did you mean fc.bias?");
  EXPECT_NE(refusal("lstm.weight_hl_l0[0:4,:]").find("did you mean lstm.weight_hh_l0 or lstm.weight_ih_l0"),
            std::string::npos);
  EXPECT_NE(refusal("*.wieght_ih_l1*").find("did you mean lstm.weight_ih_l1_reverse"), std::string::npos);
  EXPECT_NE(refusal("nothing").find("there are: lstm.weight_ih_l0, lstm.weight_hh_l0,"), std::string::npos);
  EXPECT_NE(refusal("nothing").find("decoder.weight"), std::string::npos);
}

TEST(Selection, DistancesCountEditsAndStarsAreFree) {
  EXPECT_EQ(globDistance("kitten", "sitting"), 3U);
  EXPECT_EQ(globDistance("", "abc"), 3U);
  EXPECT_EQ(globDistance("a*c", "abbbc"), 0U);
  EXPECT_EQ(globDistance("*.biass", "fc.bias"), 1U);
  EXPECT_EQ(globDistance("?b", "xc"), 1U);
}

TEST(Selection, WhatIsOutOfRangeIsAnsweredWithTheSize) {
  EXPECT_EQ(refusal("fc.weight[2,0]"), "fc.weight[2,0]: 2 is out of range; there are 2 rows, counted from 0");
  EXPECT_NE(refusal("fc.weight[0,-6]").find("-6 is out of range; there are 5 columns"), std::string::npos);
  EXPECT_NE(refusal("fc.weight[0:3,:]").find("'0:3' is out of range; there are 2 rows"), std::string::npos);
  EXPECT_NE(refusal("conv.weight[0,3,0]").find("there are 3 places in dimension 1"), std::string::npos);
  EXPECT_NE(refusal("conv.weight[0,12]").find("there are 12 columns"), std::string::npos);
  // Of several parameters the one that doesn't fit is named.
  EXPECT_NE(refusal("fc.*[0:2,4]").find("fc.bias[0:2,4]: 4 is out of range; there are 1 columns"), std::string::npos);
}

TEST(Selection, WhatIsNoRangeIsRefused) {
  EXPECT_NE(refusal("fc.weight[1:1,:]").find("holds nothing"), std::string::npos);
  EXPECT_NE(refusal("fc.weight[::-1,:]").find("the step of '::-1' is -1"), std::string::npos);
  for (const char* pattern : {"fc.bias[]", "fc.bias[x]", "fc.bias[1.0]", "fc.weight[1,]", "fc.weight[0:1:1:1,0]"})
    EXPECT_NE(refusal(pattern).find("is no index; a number or a range"), std::string::npos) << pattern;
  for (const char* pattern : {"fc.bias[1", "fc.bias1]", "fc.weight[1][2]", "fc.bias[1]x"})
    EXPECT_NE(refusal(pattern).find("brackets"), std::string::npos) << pattern;
  EXPECT_NE(refusal("fc.weight[0,0,0]").find("3 indices were found; it takes 2 for rows"), std::string::npos);
  EXPECT_NE(refusal("conv.weight[0,0,0,0]").find("it takes 3, or 2 for rows"), std::string::npos);
}

TEST(Selection, AWeightsNameHasAnIndexForEachDimension) {
  EXPECT_EQ(weightLabel(kModel.parameters[17], 7), "fc.weight[1,2]");
  EXPECT_EQ(weightLabel(kModel.parameters[18], 1), "fc.bias[1]");
  EXPECT_EQ(weightLabel(kModel.parameters[19], 23), "conv.weight[1,2,3]");
  EXPECT_EQ(weightLabel(kModel.parameters[21], 0), "temperature[0]");
}

}  // namespace
}  // namespace heft
