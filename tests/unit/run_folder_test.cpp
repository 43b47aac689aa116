#include "run/folder/run_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "data/atomic_file.hpp"
#include "run/stored/run_json.hpp"
#include "run/text/tables.hpp"
#include "unit/every_member.hpp"
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

Run writtenAndRead(const heft::Run& run) {
  const TemporaryFolder folder;
  writeRun(run, findingsOf(run), folder.path());
  return readRun(folder.path());
}

TEST(RunFolder, GivesBackEveryMember) {
  const heft::Run wrote = exampleRun();
  MembersSet set;
  set.see(wrote);
  set.expectAll();
  expectEveryMember(writtenAndRead(wrote), wrote);
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
    expectSame(read.impacts[p].other.at("kl"), wrote.impacts[p].other.at("kl"));
  }
}

/// What is read of the example once the fields are taken out of its run.json.
heft::Run readWithout(const std::vector<std::string>& pointers) {
  const TemporaryFolder folder;
  nlohmann::json document = nlohmann::json::parse(runJson(exampleRun()).dump());
  for (const std::string& text : pointers) {
    const nlohmann::json::json_pointer pointer(text);
    EXPECT_EQ(document.at(pointer.parent_pointer()).erase(pointer.back()), 1U) << text;
  }
  putContent(folder / "run.json", document.dump());
  return readRunFacts(folder.path());
}

TEST(RunFolder, TakesDefaultsForFieldsThatFilesOfEarlierVersionsLack) {
  const heft::Run read = readWithout({"/settings/precision", "/settings/dims", "/settings/by", "/settings/labels",
                                      "/settings/carry", "/settings/draws", "/output/tensors", "/feature_names",
                                      "/groups", "/layers/0/further", "/layers/0/readers/0/by_row"});
  heft::Run expected = exampleRun();
  const RankSettings untouched;
  expected.settings.precision = untouched.precision;
  expected.settings.dims = untouched.dims;
  expected.settings.by = untouched.by;
  expected.settings.labels = untouched.labels;
  expected.settings.carry = untouched.carry;
  expected.settings.draws = untouched.draws;
  expected.output.tensors.clear();
  expected.feature_names.clear();
  expected.groups.clear();
  expected.structure.layers[0].further.clear();
  expected.impacts.clear();
  for (ComponentImpact& component : expected.components) {
    component.by_group.clear();
    component.group_error.clear();
  }
  expectEveryMember(read, expected);
}

TEST(RunFolder, NeedsEveryFieldThatAllVersionsWrote) {
  const nlohmann::json document = nlohmann::json::parse(runJson(exampleRun()).dump());
  const auto expectNeeded = [&](const std::string& object, const std::vector<std::string>& may_lack) {
    for (const auto& field : document.at(nlohmann::json::json_pointer(object)).items()) {
      if (std::find(may_lack.begin(), may_lack.end(), field.key()) != may_lack.end()) continue;
      const std::string pointer = object + "/" + field.key();
      const std::string error = errorOf([&] { (void)readWithout({pointer}); }, Fault::output);
      EXPECT_NE(error.find(field.key() + "' is missing"), std::string::npos) << pointer << ": " << error;
    }
  };
  expectNeeded("", {"feature_names", "groups"});
  expectNeeded("/settings", {"precision", "dims", "by", "labels", "carry", "draws"});
  expectNeeded("/provenance", {});
  expectNeeded("/output", {"tensors"});
  expectNeeded("/output/tensors/0", {"samples", "steps", "classes"});
  expectNeeded("/cost", {});
  expectNeeded("/settled", {});
  expectNeeded("/calibration/0", {});
  expectNeeded("/parameters/0", {});
  expectNeeded("/layers/0", {"further"});
  expectNeeded("/layers/0/further/0", {});
  expectNeeded("/layers/0/readers/0", {"by_row"});
  expectNeeded("/components/0", {});
  expectNeeded("/groups/0", {});
}

TEST(RunFolder, SaysWhereSamplesStepsAndClassesStand) {
  const nlohmann::ordered_json tensor = runJson(exampleRun())["output"]["tensors"][0];
  EXPECT_EQ(tensor["roles"], (nlohmann::ordered_json{"samples", "-", "classes"}));
  EXPECT_EQ(tensor["samples"], 0);
  EXPECT_TRUE(tensor["steps"].is_null());
  EXPECT_EQ(tensor["classes"], 2);
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
