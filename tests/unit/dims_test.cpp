#include "data/dims.hpp"

#include <gtest/gtest.h>

#include "file_helpers.hpp"
#include "measure/metrics/target_dims.hpp"

namespace heft {
namespace {

using test::errorOf;
using Shape = std::vector<std::int64_t>;

std::string refusal(const std::vector<std::string>& texts) {
  return errorOf([&] { (void)GivenDims::parse(texts); }, Fault::usage);
}

TEST(Dims, RolesAreReadByName) {
  const auto given = GivenDims::parse({"x=samples,steps,-", "output.0=-,samples,classes", "input.output=samples"});
  EXPECT_EQ(text(*given.ofInput("x", {4, 7, 5})), "samples,steps,-");
  EXPECT_EQ(text(*given.ofOutput("0", {1, 4, 6})), "-,samples,classes");
  EXPECT_EQ(text(*given.ofInput("output", {4})), "samples");
  EXPECT_FALSE(given.ofOutput("", {4}).has_value());
  EXPECT_FALSE(given.ofTargets({4}).has_value());
  EXPECT_NO_THROW(given.check({"x", "output"}, {"0"}));
}

TEST(Dims, WhatIsNoRoleIsRefusedWithWhatWasExpected) {
  EXPECT_NE(refusal({"x"}).find("samples, steps, classes or -"), std::string::npos);
  EXPECT_NE(refusal({"x=samples,time"}).find("'time' is no role"), std::string::npos);
  EXPECT_NE(refusal({"x=steps,steps"}).find("two dimensions of steps"), std::string::npos);
  EXPECT_NE(refusal({"x=steps", "x=samples"}).find("twice"), std::string::npos);
  const auto given = GivenDims::parse({"x=samples,steps"});
  EXPECT_NE(errorOf(
                [&] {
                  (void)given.ofInput("x", {4, 7, 5});
                },
                Fault::usage)
                .find("x is [4, 7, 5] and has 3"),
            std::string::npos);
  EXPECT_NE(errorOf([&] { given.check({"y"}, {""}); }, Fault::usage).find("there are: y, output, targets"),
            std::string::npos);
}

TEST(Dims, EveryReadingCanBePasted) {
  OutputDims dims;
  dims.samples = 0;
  dims.maybe_steps = dims.maybe_classes = {1, 2};
  dims.roles = {DimRole::samples, DimRole::other, DimRole::other};
  EXPECT_EQ(readings("output.0", {4, 7, 6}, dims, DimRole::steps, {1, 2}),
            "dims output.0=samples,steps,classes or dims output.0=samples,classes,steps");
  dims.maybe_steps.clear();
  EXPECT_EQ(readings("output.1", {4, 7, 6}, dims, DimRole::classes, {2}), "dims output.1=samples,-,classes");
  EXPECT_EQ(describeDims({16, 60, 1}, {DimRole::samples, DimRole::steps, DimRole::classes}),
            "[16 samples, 60 steps, 1 class]");
}

const std::vector<TargetDim> kTimeFirst{{DimRole::steps, 7}, {DimRole::samples, 4}, {DimRole::classes, 3}};

std::vector<std::string> matches(const Shape& shape, TargetKind kind, const std::vector<TargetDim>& dims = kTimeFirst) {
  std::vector<std::string> all;
  for (const auto& match : matchTargets(shape, dims, kind, std::nullopt)) all.push_back(matchText(match, dims));
  return all;
}

TEST(TargetDims, ShapesAreMatchedInAnyOrder) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(matches({7, 4}, TargetKind::labels), Texts{"steps,samples"});
  EXPECT_EQ(matches({4, 7}, TargetKind::labels), Texts{"samples,steps"});
  EXPECT_EQ(matches({4}, TargetKind::labels), Texts{"samples"});
  EXPECT_EQ(matches({4, 1}, TargetKind::labels), Texts{"samples,-"});
  EXPECT_EQ(matches({7}, TargetKind::labels), Texts{}) << "the steps of which sample?";
  EXPECT_EQ(matches({4, 3}, TargetKind::one_hot), Texts{"samples,classes"});
  EXPECT_EQ(matches({4, 3, 7}, TargetKind::values), Texts{"samples,classes,steps"});
  EXPECT_EQ(matches({4, 7}, TargetKind::values), Texts{});
}

TEST(TargetDims, AStepOfTheTargetsIsChosenAsThatOfTheOutputs) {
  const std::vector<TargetDim> last{{DimRole::samples, 4}, {DimRole::steps, 7, true}, {DimRole::classes, 3}};
  EXPECT_EQ(matches({4}, TargetKind::labels, last), std::vector<std::string>{"samples"});
  EXPECT_EQ(matches({4, 7}, TargetKind::labels, last), std::vector<std::string>{"samples,steps"});
}

TEST(TargetDims, EqualSizesHaveTwoReadings) {
  const std::vector<TargetDim> square{{DimRole::samples, 4}, {DimRole::steps, 4}, {DimRole::classes, 4}};
  EXPECT_EQ(matches({4, 4}, TargetKind::labels, square), (std::vector<std::string>{"samples,steps", "steps,samples"}));
  const auto said = DimRoles{DimRole::steps, DimRole::samples};
  EXPECT_EQ(matchTargets({4, 4}, square, TargetKind::labels, said), (std::vector<TargetMatch>{{1, 0}}));
}

}  // namespace
}  // namespace heft
