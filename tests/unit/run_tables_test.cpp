#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>

#include "data/npy.hpp"
#include "data/safetensors.hpp"
#include "data/zip.hpp"
#include "model/weight_label.hpp"
#include "run/folder/export.hpp"
#include "run/folder/run_folder.hpp"
#include "run/text/tables.hpp"
#include "unit/example_run.hpp"
#include "unit/file_helpers.hpp"

namespace heft::test {
namespace {

std::vector<std::string> linesOf(const std::filesystem::path& file) {
  std::istringstream stream(contentOf(file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(WeightLabel, ShowsTheIndicesOfWhateverShape) {
  EXPECT_EQ(weightLabel(parameterInfo("w", {4, 3}), 7), "w[2,1]");
  EXPECT_EQ(weightLabel(parameterInfo("b", {4}), 3), "b[3]");
  EXPECT_EQ(weightLabel(parameterInfo("conv", {2, 2, 3}), 11), "conv[1,1,2]");
  EXPECT_EQ(weightLabel(parameterInfo("gain", {}), 0), "gain[0]");
}

TEST(WeightPlace, NamesLayerGateUnitAndColumn) {
  const Structure structure = exampleStructure();
  const WeightPlace matrix = describeWeight(structure, 0, 5 * 3 + 2);  // row 5 of 8: gate 2 of 4, unit 1 of 2
  EXPECT_EQ(matrix.layer, "lstm.l0_reverse");
  EXPECT_EQ(matrix.direction, "reverse");
  EXPECT_EQ(matrix.gate, "g");
  EXPECT_EQ(matrix.unit, 1);
  EXPECT_EQ(matrix.column, 2);
  const WeightPlace bias = describeWeight(structure, 1, 6);
  EXPECT_EQ(bias.gate, "o");
  EXPECT_EQ(bias.unit, 0);
  EXPECT_FALSE(bias.column);
  const WeightPlace convolution = describeWeight(structure, 2, 11);
  EXPECT_EQ(convolution.layer + convolution.direction + convolution.gate, "");
  EXPECT_EQ(convolution.unit, 1);
  EXPECT_EQ(convolution.column, 5);
  EXPECT_FALSE(describeWeight(structure, 3, 0).unit);
  EXPECT_FALSE(errorOf([&] { (void)describeWeight(structure, 3, 1); }, Fault::internal).empty());
  EXPECT_FALSE(errorOf([&] { (void)describeWeight(structure, 4, 0); }, Fault::internal).empty());
}

TEST(Findings, RanksMagnitudesWithTiesSharingTheirFirstPlace) {
  heft::Run run = plainRun({3, -4, 3, 1, noFloat, 4}, {6, 5, 4, 3, noFloat, noFloat});
  run.settings.top = 10;
  const Findings findings = findingsOf(run);
  ASSERT_EQ(findings.top.size(), 4U);
  EXPECT_EQ(findings.weights, 4U);
  const std::vector<std::size_t> ranks{findings.top[0].magnitude_rank, findings.top[1].magnitude_rank,
                                       findings.top[2].magnitude_rank, findings.top[3].magnitude_rank};
  EXPECT_EQ(ranks, (std::vector<std::size_t>{2, 1, 2, 4}));  // the 4 outside the run doesn't count
}

TEST(Findings, RanksMagnitudesAmongAllWeightsOfTheRunAndNotOnlyTheTop) {
  std::vector<float> weights, impacts;
  for (int i = 0; i < 1000; ++i) {
    weights.push_back(static_cast<float>((i * 7) % 1000));
    impacts.push_back(static_cast<float>((i * 13) % 1000));
  }
  for (const TopWeight& row : findingsOf(plainRun(weights, impacts)).top)
    EXPECT_EQ(row.magnitude_rank, 1000 - static_cast<std::size_t>(row.weight));
}

TEST(Findings, CompareMagnitudeAndImpactPerParameterAndOverAll) {
  const heft::Run run = exampleRun();
  const Findings findings = findingsOf(run);
  ASSERT_EQ(findings.comparison.parameters.size(), 4U);
  const Agreement& matrix = findings.comparison.parameters[0];  // impacts run backwards
  EXPECT_EQ(matrix.weights, 24U);
  EXPECT_DOUBLE_EQ(*matrix.spearman, -1);
  EXPECT_DOUBLE_EQ(*matrix.kendall, -1);
  EXPECT_EQ(matrix.top, 1U);
  EXPECT_EQ(*matrix.overlap, 0);
  EXPECT_DOUBLE_EQ(matrix.chance, 1.0 / 24);
  EXPECT_EQ(findings.comparison.parameters[2].weights, 6U);
  EXPECT_FALSE(findings.comparison.parameters[3].spearman);  // one weight
  EXPECT_EQ(findings.comparison.overall.weights, 24U + 8 + 6 + 1);
  EXPECT_EQ(findings.weights, 39U);
}

TEST(Findings, LeaveOutParametersThatAreNotPartOfTheRun) {
  heft::Run run = exampleRun();
  for (auto* values : {&run.impacts[0].impact, &run.impacts[0].lower}) values->assign(24, noFloat);
  const Findings findings = findingsOf(run);
  ASSERT_EQ(findings.comparison.parameters.size(), 3U);
  EXPECT_EQ(findings.comparison.parameters[0].name, "lstm.bias_ih_l0_reverse");
}

TEST(TopTable, HasAPlaceALineWithAllThatIsKnownOfTheWeight) {
  const TemporaryFolder folder;
  heft::Run run = exampleRun();
  writeRun(run, findingsOf(run), folder.path());
  const std::vector<std::string> lines = linesOf(folder / "top.csv");
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_EQ(lines[0],
            "rank,name,parameter,index,weight,impact,lower,upper,executed,standard_error,magnitude_rank,layer,"
            "direction,gate,unit,column");
  EXPECT_EQ(lines[1],
            "1,lstm.bias_ih_l0_reverse[0],lstm.bias_ih_l0_reverse,0,0.125,80.1,80.1,80.1,1,5.00625,36,lstm."
            "l0_reverse,"
            "reverse,i,0,");
  EXPECT_EQ(lines[2].substr(0, 30), "2,lstm.bias_ih_l0_reverse[1],l");
}

TEST(ComponentTable, HasAColumnForEachMetricAndEmptyCellsForWhatIsUnknown) {
  const TemporaryFolder folder;
  writeComponentTable(exampleRun(), folder / "components.csv");
  const std::vector<std::string> lines = linesOf(folder / "components.csv");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "name,level,path,weights,impact,impact_kl,standard_error,sum,magnitude");
  EXPECT_EQ(lines[1], "lstm.weight_ih_l0_reverse:i,gate,incoming,6,0.5,0.25,0.01,1.5,2.5");
  EXPECT_EQ(lines[2], "conv.weight,matrix,,12,,,,,3.5");
}

TEST(Export, HasALineForEachWeightOfTheRun) {
  const TemporaryFolder folder;
  EXPECT_EQ(exportWeights(exampleRun(), folder / "weights.csv"), 39U);
  const std::vector<std::string> lines = linesOf(folder / "weights.csv");
  ASSERT_EQ(lines.size(), 40U);
  EXPECT_EQ(lines[0],
            "parameter,index,weight,impact,lower,upper,executed,standard_error,layer,direction,gate,unit,column");
  EXPECT_EQ(lines[1 + 17],
            "lstm.weight_ih_l0_reverse,17,-2.25,7.1,6.2125,7.9874997,0,0.44375,lstm.l0_reverse,reverse,g,1,2");
  EXPECT_EQ(lines[2], "lstm.weight_ih_l0_reverse,1,-0.25,23.1,20.2125,inf,0,1.44375,lstm.l0_reverse,reverse,i,0,1");
  EXPECT_EQ(lines[1 + 24 + 8 + 5].substr(0, 14), "conv.weight,5,");
  EXPECT_TRUE(lines[1 + 24 + 8 + 5].ends_with(",,,,0,5")) << lines[38];
  EXPECT_TRUE(lines[39].ends_with(",,,,,")) << lines[39];
}

TEST(Export, LeavesOutWhatIsNotWanted) {
  const TemporaryFolder folder;
  const KeepWeight keep = [](std::size_t parameter, std::int64_t index) { return parameter == 0 && index % 3 == 1; };
  EXPECT_EQ(exportWeights(exampleRun(), folder / "weights.csv", keep), 8U);
  const std::vector<std::string> lines = linesOf(folder / "weights.csv");
  EXPECT_TRUE(lines[8].ends_with(",reverse,o,1,1")) << lines[8];
}

TEST(Export, AsSafetensorsHoldsEachParametersShapeAndNothingOfWhatIsNotWanted) {
  const TemporaryFolder folder;
  const heft::Run run = exampleRun();
  const KeepWeight keep = [](std::size_t parameter, std::int64_t index) { return parameter != 1 && index != 3; };
  EXPECT_EQ(exportSafetensors(run, folder / "weights.safetensors", keep), 23U + 5 + 1);
  std::map<std::string, StoredTensor> tensors;
  for (auto& one : readSafetensors(folder / "weights.safetensors").tensors) tensors[one.name] = one;
  EXPECT_EQ(tensors.size(), 3U * 6);
  EXPECT_FALSE(tensors.contains("impact/lstm.bias_ih_l0_reverse"));
  const auto& impact = tensors.at("impact/lstm.weight_ih_l0_reverse");
  EXPECT_EQ(impact.shape, (std::vector<std::int64_t>{8, 3}));
  const auto values = asDoubles(impact);
  EXPECT_EQ(static_cast<float>(values[17]), run.impacts[0].impact[17]);
  EXPECT_TRUE(std::isnan(values[3]));
  EXPECT_EQ(asDoubles(tensors.at("executed/lstm.weight_ih_l0_reverse"))[0], 1);
  EXPECT_EQ(asDoubles(tensors.at("weight/gain"))[0], run.impacts[3].weight[0]);
  EXPECT_TRUE(std::isnan(asDoubles(tensors.at("weight/conv.weight"))[7]));  // outside the run
}

TEST(Export, AsNpzHoldsTheColumnsOfTheTable) {
  const TemporaryFolder folder;
  heft::Run run = exampleRun();
  const KeepWeight keep = [](std::size_t parameter, std::int64_t index) { return parameter > 0 || index % 3 == 1; };
  EXPECT_EQ(exportNpz(run, folder / "weights.npz", keep), 8U + 8 + 6 + 1);
  const InputFile file = InputFile::open(folder / "weights.npz");
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::byte>> content;
  for (const auto& member : listZip(file)) {
    names.push_back(member.name);
    content[member.name] = readZipMember(file, member);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"parameter.npy", "index.npy", "weight.npy", "impact.npy", "lower.npy",
                                             "upper.npy", "executed.npy", "standard_error.npy", "layer.npy",
                                             "direction.npy", "gate.npy", "unit.npy", "column.npy"}));
  const auto column = [&](const std::string& name) {
    return asDoubles(readNpy(InputFile::ofBytes(name, content.at(name + ".npy"))));
  };
  EXPECT_EQ(column("index")[2], 7);
  EXPECT_EQ(static_cast<float>(column("impact")[2]), run.impacts[0].impact[7]);
  EXPECT_EQ(column("unit")[22], -1);
  EXPECT_EQ(column("column")[2], 1);
  EXPECT_EQ(column("column")[10], -1);
  const std::string text(reinterpret_cast<const char*>(content.at("parameter.npy").data()), 128);
  EXPECT_NE(text.find("'<U25'"), std::string::npos) << text;  // lstm.weight_ih_l0_reverse
  EXPECT_EQ(content.at("parameter.npy").size(), 128U + 23 * 25 * 4);
}

TEST(RunFolderInPython, LoadsInALineAFileWithTheUsualLibraries) {
  if (!std::filesystem::exists(HEFT_TEST_PYTHON)) GTEST_SKIP() << "'scripts/setup test' makes the Python for this";
  const TemporaryFolder folder;
  const heft::Run run = exampleRun();
  writeRun(run, findingsOf(run), folder.path());
  exportWeights(run, folder / "weights.csv");
  exportNpz(run, folder / "weights.npz");
  exportSafetensors(run, folder / "weights.safetensors");
  const std::string command = std::string("'") + HEFT_TEST_PYTHON + "' -B '" + HEFT_TEST_DATA +
                              "/../unit/read_run.py' '" + folder.path().string() + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace heft::test
