#include "run/folder/run_folder.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <nlohmann/json.hpp>

#include "data/atomic_file.hpp"
#include "run/stored/run_json.hpp"
#include "run/text/tables.hpp"
#include "unit/example_run.hpp"
#include "unit/file_helpers.hpp"

namespace heft::test {
namespace {

/// Bit for bit, so that NaN equals NaN.
void expectSame(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i])) << i;
}

void expectSame(double a, double b) { EXPECT_TRUE(a == b || (std::isnan(a) && std::isnan(b))) << a << " " << b; }

Run writtenAndRead(const heft::Run& run) {
  const TemporaryFolder folder;
  writeRun(run, findingsOf(run), folder.path());
  return readRun(folder.path());
}

TEST(RunFolder, GivesBackSettingsFieldByField) {
  const RankSettings read = writtenAndRead(exampleRun()).settings;
  EXPECT_EQ(read.method, Method::exhaustive);
  EXPECT_EQ(read.metrics, (std::vector{Metric::max, Metric::kl}));
  EXPECT_EQ(read.perturbation.text(), "noise:0.1");
  EXPECT_EQ(read.levels, (std::vector{Level::weight, Level::gate}));
  EXPECT_EQ(read.parameters, (std::vector<std::string>{"lstm.*", "conv.weight[0,:]"}));
  EXPECT_EQ(read.output_target, "module:head");
  EXPECT_EQ(read.top, 7);
  EXPECT_EQ(read.alpha, 0.1);
  EXPECT_EQ(read.miss, 0.02);
  EXPECT_EQ(read.budget_variants, 500);
  EXPECT_EQ(read.budget_seconds, 12.5);
  EXPECT_EQ(read.seed, 18446744073709551615U);
  EXPECT_TRUE(read.stream);
  EXPECT_EQ(read.by, GroupBy::label);
  EXPECT_EQ(read.labels, exampleRun().settings.labels);
}

TEST(RunFolder, GivesBackProvenanceOutputCostAndSettledFieldByField) {
  const heft::Run read = writtenAndRead(exampleRun());
  EXPECT_EQ(read.provenance.model, "model.pt");
  EXPECT_EQ(read.provenance.model_sha256, "aa");
  EXPECT_EQ(read.provenance.inputs, (std::vector<std::string>{"x.npy", "y.npy"}));
  EXPECT_EQ(read.provenance.inputs_sha256, "bb");
  EXPECT_EQ(read.provenance.targets, "t.npy");
  EXPECT_EQ(read.provenance.targets_sha256, "cc");
  EXPECT_EQ(read.provenance.heft_version, "0.1.0");
  EXPECT_EQ(read.provenance.libtorch_version, "2.11.0");
  EXPECT_EQ(read.provenance.device, "cuda:0");
  EXPECT_EQ(read.provenance.machine, "a machine");
  EXPECT_EQ(read.provenance.threads, 3);
  EXPECT_EQ(read.provenance.started, "2026-01-02T03:04:05Z");
  EXPECT_EQ(read.output.shape, "output [64, 10]");
  EXPECT_EQ(read.output.samples, 64);
  EXPECT_EQ(read.output.elements, 10);
  EXPECT_EQ(read.output.rms, 0.75);
  EXPECT_EQ(read.output.noise, 1e-9);
  EXPECT_TRUE(read.output.samples_interact);
  EXPECT_EQ(read.cost.seconds, 9.5);
  EXPECT_EQ(read.cost.response_seconds, 2.25);
  EXPECT_EQ(read.cost.execute_seconds, 7.25);
  EXPECT_EQ(read.cost.variants, 1234U);
  EXPECT_EQ(read.cost.adjoints, 56U);
  EXPECT_EQ(read.cost.probes, 78U);
  EXPECT_EQ(read.cost.probe_error, 0.03);
  ASSERT_TRUE(read.settled);
  EXPECT_EQ(read.settled->k, 7);
  EXPECT_TRUE(read.settled->settled);
  EXPECT_EQ(read.settled->missing, 0.25);
  EXPECT_EQ(read.settled->confidence, 0.99);
  EXPECT_EQ(read.settled->threshold, 0.125);
  EXPECT_EQ(read.settled->executed, 321U);
  EXPECT_EQ(read.settled->audited, 45U);
  EXPECT_EQ(read.settled->why, "the budget was spent");
  EXPECT_EQ(read.notes, exampleRun().notes);
  EXPECT_FALSE(read.complete);
}

TEST(RunFolder, GivesBackTheStructureFieldByField) {
  const Structure read = writtenAndRead(exampleRun()).structure;
  const Structure wrote = exampleStructure();
  ASSERT_EQ(read.parameters.size(), wrote.parameters.size());
  for (std::size_t p = 0; p < read.parameters.size(); ++p) {
    EXPECT_EQ(read.parameters[p].name, wrote.parameters[p].name);
    EXPECT_EQ(read.parameters[p].shape, wrote.parameters[p].shape);
    EXPECT_EQ(read.parameters[p].dtype, wrote.parameters[p].dtype);
    EXPECT_EQ(read.parameters[p].tied, wrote.parameters[p].tied);
    EXPECT_EQ(read.parameters[p].site, wrote.parameters[p].site);
    EXPECT_EQ(read.parameters[p].role, wrote.parameters[p].role);
    EXPECT_EQ(read.parameters[p].method, wrote.parameters[p].method);
    EXPECT_EQ(read.parameters[p].gates, wrote.parameters[p].gates);
    EXPECT_EQ(read.parameters[p].layer, wrote.parameters[p].layer);
  }
  ASSERT_EQ(read.layers.size(), 1U);
  const RecurrentLayerInfo& a = read.layers[0];
  const RecurrentLayerInfo& b = wrote.layers[0];
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.reverse, b.reverse);
  EXPECT_EQ(a.units, b.units);
  EXPECT_EQ(a.emitted, b.emitted);
  EXPECT_EQ(a.inputs, b.inputs);
  EXPECT_EQ(a.gates, b.gates);
  EXPECT_EQ(a.weight_ih, b.weight_ih);
  EXPECT_EQ(a.weight_hh, b.weight_hh);
  EXPECT_EQ(a.bias_ih, b.bias_ih);
  EXPECT_EQ(a.bias_hh, b.bias_hh);
  EXPECT_EQ(a.weight_hr, b.weight_hr);
  ASSERT_EQ(a.readers.size(), 2U);
  for (std::size_t r = 0; r < 2; ++r) {
    EXPECT_EQ(a.readers[r].parameter, b.readers[r].parameter);
    EXPECT_EQ(a.readers[r].column_of_unit, b.readers[r].column_of_unit);
  }
}

TEST(RunFolder, GivesBackEveryWeightsValuesBitForBit) {
  const heft::Run wrote = exampleRun();
  const heft::Run read = writtenAndRead(wrote);
  ASSERT_EQ(read.impacts.size(), wrote.impacts.size());
  for (std::size_t p = 0; p < wrote.impacts.size(); ++p) {
    expectSame(read.impacts[p].weight, wrote.impacts[p].weight);
    expectSame(read.impacts[p].impact, wrote.impacts[p].impact);
    expectSame(read.impacts[p].standard_error, wrote.impacts[p].standard_error);
    expectSame(read.impacts[p].lower, wrote.impacts[p].lower);
    expectSame(read.impacts[p].upper, wrote.impacts[p].upper);
    EXPECT_EQ(read.impacts[p].measured, wrote.impacts[p].measured);
    ASSERT_EQ(read.impacts[p].other.size(), 1U);
    expectSame(read.impacts[p].other.at("kl"), wrote.impacts[p].other.at("kl"));
  }
}

TEST(RunFolder, GivesBackComponentsAndCalibrationFieldByField) {
  const heft::Run wrote = exampleRun();
  const heft::Run read = writtenAndRead(wrote);
  ASSERT_EQ(read.groups.size(), 2U);
  EXPECT_EQ(read.groups[0].name, "a \"noun\"");
  EXPECT_EQ(read.groups[1].samples, 2);
  EXPECT_EQ(read.groups[1].elements, 20);
  ASSERT_EQ(read.components.size(), 2U);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_EQ(read.components[c].name, wrote.components[c].name);
    EXPECT_EQ(read.components[c].level, wrote.components[c].level);
    EXPECT_EQ(read.components[c].path, wrote.components[c].path);
    EXPECT_EQ(read.components[c].weights, wrote.components[c].weights);
    ASSERT_EQ(read.components[c].joint.size(), wrote.components[c].joint.size());
    for (const auto& [metric, impact] : wrote.components[c].joint)
      expectSame(read.components[c].joint.at(metric), impact);
    expectSame(read.components[c].standard_error, wrote.components[c].standard_error);
    expectSame(read.components[c].sum, wrote.components[c].sum);
    expectSame(read.components[c].magnitude, wrote.components[c].magnitude);
    ASSERT_EQ(read.components[c].by_group.size(), 2U);
    for (std::size_t g = 0; g < 2; ++g) {
      for (const auto& [metric, impacts] : wrote.components[c].by_group)
        expectSame(read.components[c].by_group.at(metric).at(g), impacts[g]);
      expectSame(read.components[c].group_error.at(g), wrote.components[c].group_error[g]);
    }
  }
  ASSERT_EQ(read.calibration.size(), 2U);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_EQ(read.calibration[c].parameter, wrote.calibration[c].parameter);
    EXPECT_EQ(read.calibration[c].draws, wrote.calibration[c].draws);
    EXPECT_EQ(read.calibration[c].ratio_low, wrote.calibration[c].ratio_low);
    EXPECT_EQ(read.calibration[c].ratio_median, wrote.calibration[c].ratio_median);
    EXPECT_EQ(read.calibration[c].ratio_high, wrote.calibration[c].ratio_high);
  }
}

TEST(RunFolder, ReadsTheFactsWithoutTheImpacts) {
  const TemporaryFolder folder;
  const heft::Run run = exampleRun();
  writeRun(run, findingsOf(run), folder.path());
  std::filesystem::remove(folder / "impact.safetensors");
  EXPECT_EQ(readRunFacts(folder.path()).structure.parameters.size(), 4U);
}

TEST(RunFolder, TakesAMetricThatAParameterLacksAsNotMeasured) {
  heft::Run run = exampleRun();
  run.impacts[1].other.clear();
  const heft::Run read = writtenAndRead(run);
  EXPECT_TRUE(std::isnan(read.impacts[1].other.at("kl")[0]));
  EXPECT_FALSE(std::isnan(read.impacts[0].other.at("kl")[0]));
}

TEST(RunFolder, WritesAnEmptyComponentTableAndNoSettledFactsWhereThereAreNone) {
  const heft::Run read = writtenAndRead(plainRun({1, 2}, {3, 4}));
  EXPECT_FALSE(read.settled);
  EXPECT_TRUE(read.components.empty());
}

TEST(RunFolder, ReplacesBytesThatAreNoTextInsteadOfFailing) {
  heft::Run run = plainRun({1, 2}, {3, 4});
  run.provenance.model = "bad\xff.pt";
  EXPECT_EQ(writtenAndRead(run).provenance.model, "bad\xef\xbf\xbd.pt");
}

TEST(RunFolder, WritesRunJsonLastSoThatAFailedWriteLeavesNoRun) {
  const TemporaryFolder folder;
  const heft::Run run = exampleRun();
  writeRun(run, findingsOf(run), folder.path());
  std::filesystem::remove(folder / "comparison.json");
  std::filesystem::create_directory(folder / "comparison.json");  // in the way
  EXPECT_NE(errorOf([&] { writeRun(run, findingsOf(run), folder.path()); }, Fault::output).find("comparison.json"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "run.json"));
  for (const std::string& name : folder.names()) EXPECT_FALSE(name.starts_with(AtomicFile::temporaryPrefix)) << name;
}

TEST(RunFolder, WritesWhatIsUndefinedAsNullAndInfinityAsText) {
  const nlohmann::ordered_json document = runJson(exampleRun());
  EXPECT_TRUE(document["components"][1]["sum"].is_null());
  EXPECT_EQ(document["calibration"][1]["ratio_high"], "infinity");
  const Findings findings = findingsOf(exampleRun());
  EXPECT_TRUE(comparisonJson(exampleRun(), findings.comparison)["parameters"][3]["spearman"].is_null());
}

TEST(RunFolder, RefusesVectorsThatAreNotOfTheirParametersSize) {
  heft::Run run = exampleRun();
  run.impacts[0].lower.pop_back();
  EXPECT_NE(errorOf([&] { (void)findingsOf(run); }, Fault::internal).find("lower"), std::string::npos);
}

}  // namespace
}  // namespace heft::test
