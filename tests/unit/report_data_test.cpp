#include <gtest/gtest.h>

#include <cmath>

#include "report/compared.hpp"
#include "report/groups.hpp"
#include "report/hierarchy.hpp"
#include "report/page.hpp"
#include "report/page_data.hpp"
#include "run/findings/findings.hpp"
#include "unit/example_run.hpp"

namespace heft::test {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json dataOf(const heft::Run& run, const json& comparison = {}) {
  return pageData(run, findingsOf(run), comparison, "my-run");
}

/// Small, regular, and right in every field: an LSTM of two units and a head.
Run lstmRun() {
  heft::Run run = exampleRun();
  run.complete = true;
  run.settings.metrics = {Metric::rms};
  run.structure.layers[0] = {};
  RecurrentLayerInfo& layer = run.structure.layers[0];
  layer.name = "lstm.l0";
  layer.kind = "LSTM";
  layer.units = layer.emitted = 2;
  layer.inputs = 3;
  layer.gates = {"i", "f", "g", "o"};
  layer.weight_ih = 0;
  layer.bias_ih = 1;
  run.components = {{"lstm.l0:gate=f", Level::gate, "", 8, {{"rms", 9.0}}, 0.1, 11.0, 1.0}};
  return run;
}

TEST(ReportGroups, AddUpToTheModelAtEveryLevel) {
  const heft::Run run = lstmRun();
  const Groups groups = groupsOf(run);
  ImpactSums layers, gates, units;
  for (const Group& each : groups.layers) layers += each.sums.all();
  for (const Group& each : groups.gates) gates += each.sums.all();
  for (const SignedSums& each : groups.units.at(0).units) units += each.all();
  EXPECT_EQ(groups.model.all().weights, findingsOf(run).weights);
  EXPECT_EQ(gates.weights, 32U);  // weight_ih and bias_ih
  EXPECT_EQ(units.weights, 32U);
  EXPECT_NEAR(gates.squares, units.squares, 1e-9 * gates.squares);
  EXPECT_EQ(layers.weights + groups.matrices.back().sums.all().weights, groups.model.all().weights);
  EXPECT_EQ(groups.gates.at(1).name, "lstm.l0:gate=f");
}

TEST(ReportHierarchy, HasChildrenThatAddUpToTheirParents) {
  const heft::Run run = lstmRun();
  const auto nodes = hierarchyOf(run, groupsOf(run), 40);
  std::vector<double> children(nodes.size(), 0);
  std::vector<std::size_t> weights(nodes.size(), 0);
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    ASSERT_LT(nodes[i].parent, static_cast<std::ptrdiff_t>(i));
    children[static_cast<std::size_t>(nodes[i].parent)] += nodes[i].sums.squares;
    weights[static_cast<std::size_t>(nodes[i].parent)] += nodes[i].sums.weights;
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (children[i] == 0) continue;
    EXPECT_NEAR(children[i], nodes[i].sums.squares, 1e-6 * nodes[i].sums.squares) << nodes[i].name;
    EXPECT_EQ(weights[i], nodes[i].sums.weights) << nodes[i].name;
  }
}

TEST(ReportHierarchy, ShowsBothDirectionsOfALayerUnderIt) {
  heft::Run run = lstmRun();
  run.structure.layers.push_back(run.structure.layers[0]);
  run.structure.layers[1].name = "lstm.l0_reverse";
  run.structure.layers[1].reverse = true;
  run.structure.layers[1].weight_ih = -1;
  run.structure.parameters[1].layer = 1;
  run.structure.layers[0].bias_ih = -1;
  const auto nodes = hierarchyOf(run, groupsOf(run));
  EXPECT_EQ(nodes[1].level, "layer");
  EXPECT_EQ(nodes[2].level, "direction");
  EXPECT_EQ(nodes[2].label, "forward");
}

TEST(ReportHierarchy, PutsTheJointImpactBesideTheRootOfSquares) {
  const heft::Run run = lstmRun();
  const Groups groups = groupsOf(run);
  const auto joint = jointImpacts(run, groups);
  ASSERT_EQ(joint.size(), 1U);
  EXPECT_DOUBLE_EQ(joint[0].joint, 9);
  ASSERT_TRUE(joint[0].aggregate);
  EXPECT_DOUBLE_EQ(*joint[0].aggregate, std::sqrt(groups.gates.at(1).sums.all().squares));
}

TEST(ReportPageData, SaysWhichCommandFillsWhatIsMissing) {
  const ordered_json data = dataOf(lstmRun());
  for (const char* key : {"effects", "features", "curves", "criteria"})
    EXPECT_EQ(data[key]["command"], "heft compare my-run");
  EXPECT_EQ(data["shift"]["command"], "heft compare my-run OTHER-RUN");
}

TEST(ReportPageData, TakesSectionsThatAreNotOfTheFormExpectedForMissing) {
  for (
      const char* text :
      {R"({"effects": 3, "features": {"names": [1]}, "shift": [], "criteria": {"a": {}}, "curves": [7]})",
       R"({"effects": {"outputs": ["a"], "groups": [{"name": 1}]}, "features": {"names": ["a"], "groups": ["b"], "share": []},
                               "shift": null, "criteria": "x", "curves": {}, "outliers": [{"parameter": "lstm.weight_ih_l0_reverse"}]})",
       R"([])", R"("text")"}) {
    const ordered_json data = dataOf(lstmRun(), json::parse(text));
    for (const char* key : {"effects", "features", "curves", "criteria", "shift"})
      EXPECT_TRUE(data[key].contains("missing")) << key << " of " << text;
  }
}

TEST(ReportPageData, AnswersFromComparisonInWords) {
  const json comparison = json::parse(R"({
    "features": {"names": ["wind", "rain"], "groups": ["lstm.l0"], "share": [[0.25, 0.75]], "top_units": {"rain": [{"unit": "lstm.l0:unit=1", "share": 0.5}]}},
    "effects": {"outputs": ["class 0", "class 1"], "groups": [{"name": "lstm.l0", "level": "layer", "sign": "negative", "weights": 3, "joint": 1, "change": [0.5, -2], "impact": [1, 2]}]},
    "criteria": {"magnitude": {"overall": {"spearman": 0.5}}, "gradient": {"label": "gradient x weight", "overall": {"spearman": 0.9, "spearman_interval": [0.88, 0.92]}}},
    "curves": [{"criterion": "impact", "kind": "deletion", "share": [0.01, 0.5], "change": [2, 9]}],
    "shift": {"other_run": "snow", "spearman": 0.3, "only_here": [{"weight": "a[0]", "value": 1, "impact": 2, "impact_there": 0}]}})");
  const ordered_json data = dataOf(lstmRun(), comparison);
  EXPECT_EQ(data["features"]["number"], "75 %");
  EXPECT_EQ(data["features"]["what"], "of the impact of lstm.l0 goes with rain");
  EXPECT_EQ(data["effects"]["sentence"],
            "The strongest push: without the negative weights of lstm.l0, class 1 falls by 2 on average.");
  EXPECT_EQ(data["criteria"]["number"], "0.90");
  EXPECT_EQ(data["curves"]["number"], "2");
  EXPECT_EQ(data["shift"]["sentence"],
            "No: the ranking on snow is another one (Spearman 0.30); 1 listed weight matters only here.");
}

TEST(ReportPageData, HoldsForARunInWhichNothingMovedOrNothingWasRanked) {
  heft::Run still = lstmRun();
  heft::Run empty = lstmRun();
  for (std::size_t p = 0; p < still.impacts.size(); ++p) {
    for (float& impact : still.impacts[p].impact) impact = std::isnan(impact) ? impact : 0;
    for (float& impact : empty.impacts[p].impact) impact = noFloat;
  }
  EXPECT_EQ(dataOf(still)["signs"]["number"], "–");
  EXPECT_EQ(dataOf(empty)["outliers"]["number"], "–");
  EXPECT_EQ(dataOf(empty)["weights"], 0);
}

TEST(ReportPage, KeepsNamesThatLookLikeHtmlOrPlacesOfTheTemplateInsideItsData) {
  heft::Run run = lstmRun();
  run.provenance.model = "</title><script>alert(1)</script>";
  run.structure.parameters[0].name = "</script><script>alert(2)</script>{{plotly}}";
  const std::string page = pageText(dataOf(run));
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_NE(page.find("{{plotly}}"), std::string::npos);
  EXPECT_EQ(page.find("{{data}}"), std::string::npos);
  EXPECT_LT(page.size(), 6'000'000U);
}

TEST(ReportPage, WritesJsonThatIsScriptTooAndReadsBackAsItWas) {
  const ordered_json data = {{"a", "<!-- \xE2\x80\xA8 </script>"}};
  const std::string text = scriptSafeJson(data);
  EXPECT_EQ(text.find('<'), std::string::npos);
  EXPECT_EQ(text.find("\xE2\x80\xA8"), std::string::npos);
  EXPECT_EQ(ordered_json::parse(text), data);
}

}  // namespace
}  // namespace heft::test
