#include "run/stored/settings.hpp"

#include "file_helpers.hpp"

namespace heft {
namespace {

using test::errorOf;

TEST(Settings, EveryNameReadsBack) {
  for (const char* text : {"auto", "response", "exhaustive", "reference"}) EXPECT_EQ(name(parseMethod(text)), text);
  for (const char* text : {"rms", "max", "kl", "loss", "flips"}) EXPECT_EQ(name(parseMetric(text)), text);
  for (const char* text : {"weight", "row", "column", "unit", "gate", "matrix", "layer"})
    EXPECT_EQ(name(parseLevel(text)), text);
  for (const char* text : {"none", "class", "step", "output", "target", "label"})
    EXPECT_EQ(name(parseGroupBy(text)), text);
  EXPECT_EQ(parseMethod("auto"), Method::automatic);
  EXPECT_EQ(parseMetric("kl"), Metric::kl);
  EXPECT_EQ(parseLevel("gate"), Level::gate);
}

TEST(Settings, AnUnknownNameIsAnsweredWithTheNamesThereAre) {
  EXPECT_EQ(errorOf([] { (void)parseMethod("fast"); }, Fault::usage),
            "method 'fast' is unknown; there are: auto, response, exhaustive, reference");
  EXPECT_EQ(errorOf([] { (void)parseMetric("RMS"); }, Fault::usage),
            "metric 'RMS' is unknown; there are: rms, max, kl, loss, flips, cosine");
  EXPECT_EQ(errorOf([] { (void)parseLevel(""); }, Fault::usage),
            "level '' is unknown; there are: weight, row, column, unit, gate, matrix, layer");
}

TEST(Settings, APerturbationReadsBackAsItsText) {
  for (const char* text :
       {"zero", "mean", "permute", "noise:0.1", "scale:-0.5", "scale:0", "flip", "round:8", "round:16"})
    EXPECT_EQ(Perturbation::parse(text).text(), text);
  EXPECT_EQ(Perturbation::parse("noise:0.25").kind, Perturbation::Kind::noise);
  EXPECT_EQ(Perturbation::parse("noise:0.25").amount, 0.25);
  EXPECT_EQ(Perturbation().text(), "zero");
}

TEST(Settings, APerturbationWithoutMeaningIsRefused) {
  const auto refusal = [](std::string_view text) {
    return errorOf([&] { (void)Perturbation::parse(text); }, Fault::usage);
  };
  EXPECT_NE(refusal("prune").find("there are: zero, mean, permute, noise:S, scale:F, flip, round:BITS"),
            std::string::npos);
  EXPECT_NE(refusal("zero:1").find("takes no number"), std::string::npos);
  for (const char* text : {"noise", "noise:", "noise:0", "noise:-1", "noise:inf", "noise:0.1x"})
    EXPECT_NE(refusal(text).find("as in noise:0.1"), std::string::npos) << text;
  for (const char* text : {"round", "round:0", "round:17", "round:2.5", "round:nan"})
    EXPECT_NE(refusal(text).find("whole number of bits from 1 to 16"), std::string::npos) << text;
  for (const char* text : {"scale", "scale:half", "scale:nan"})
    EXPECT_NE(refusal(text).find("as in scale:0.5"), std::string::npos) << text;
}

}  // namespace
}  // namespace heft
