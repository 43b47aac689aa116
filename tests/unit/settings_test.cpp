#include "measure/settings.hpp"

#include <gtest/gtest.h>

#include "unit/file_helpers.hpp"

namespace heft::test {
namespace {

TEST(Settings, NamesReadBackAsWhatTheyName) {
  for (const Method each : {Method::automatic, Method::response, Method::exhaustive, Method::reference})
    EXPECT_EQ(parseMethod(name(each)), each);
  for (const Metric each : {Metric::rms, Metric::max, Metric::kl, Metric::loss, Metric::flips})
    EXPECT_EQ(parseMetric(name(each)), each);
  for (const Level each :
       {Level::weight, Level::row, Level::column, Level::unit, Level::gate, Level::matrix, Level::layer})
    EXPECT_EQ(parseLevel(name(each)), each);
  EXPECT_EQ(name(Method::automatic), "auto");
}

TEST(Settings, AnUnknownNameIsAnsweredWithThoseThereAre) {
  const std::string error = errorOf([] { (void)parseMetric("RMS"); }, Fault::usage);
  EXPECT_NE(error.find("'RMS'; there are rms, max, kl, loss, flips"), std::string::npos) << error;
}

TEST(Settings, PerturbationsReadBackAsTheirText) {
  for (const char* text :
       {"zero", "mean", "permute", "noise:0.1", "scale:-0.5", "scale:0", "flip", "round:8"})
    EXPECT_EQ(Perturbation::parse(text).text(), text);
  EXPECT_EQ(Perturbation::parse("noise:0.1").amount, 0.1);
}

TEST(Settings, PerturbationsWithoutAFittingAmountAreRefused) {
  for (const char* text : {"", "Zero", "zero:1", "noise", "noise:", "noise:0", "noise:-1", "noise:nan",
                           "noise:inf", "noise:1x", "round:0", "round:2.5", "round:53", "scale:"})
    EXPECT_FALSE(errorOf([&] { (void)Perturbation::parse(text); }, Fault::usage).empty()) << text;
}

}  // namespace
}  // namespace heft::test
