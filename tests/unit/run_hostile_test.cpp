#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "run/folder/run_folder.hpp"
#include "run/stored/json_text.hpp"
#include "run/stored/run_json.hpp"
#include "run/text/verdict.hpp"
#include "unit/example_run.hpp"
#include "unit/file_helpers.hpp"

namespace heft::test {
namespace {

using nlohmann::json;

void writeExample(const TemporaryFolder& folder) {
  const heft::Run run = exampleRun();
  writeRun(run, findingsOf(run), folder.path());
}

/// The error of reading a run.json that was changed, its tensor files not even there.
std::string errorAfter(const std::function<void(json&)>& change) {
  const TemporaryFolder folder;
  json document = json::parse(runJson(exampleRun()).dump());
  change(document);
  putContent(folder / "run.json", document.dump());
  return errorOf([&] { (void)readRun(folder.path()); }, Fault::output);
}

TEST(HostileRun, SaysWhatAFolderIsThatIsNoRun) {
  const TemporaryFolder folder;
  const auto error = [&](const char* name) { return errorOf([&] { (void)readRun(folder / name); }, Fault::output); };
  EXPECT_NE(error("absent").find("no such run folder"), std::string::npos);
  putContent(folder / "file", "text");
  EXPECT_NE(error("file").find("but a file"), std::string::npos);
  EXPECT_NE(error(".").find("it has no run.json"), std::string::npos);
  std::filesystem::create_directory(folder / "checkpoint");
  EXPECT_NE(error(".").find("not finished"), std::string::npos);
}

TEST(HostileRun, NamesTheVersionItCantRead) {
  const std::string error = errorAfter([](json& run) { run["format_version"] = 99; });
  EXPECT_NE(error.find("version 99"), std::string::npos) << error;
  EXPECT_NE(errorAfter([](json& run) { run["format"] = "other"; }).find("heft-run"), std::string::npos);
}

TEST(HostileRun, NamesTheFieldThatDoesNotFit) {
  const auto expectNamed = [](const char* place, const std::function<void(json&)>& change) {
    const std::string error = errorAfter(change);
    EXPECT_NE(error.find("'" + std::string(place) + "'"), std::string::npos) << error;
  };
  expectNamed("settings.alpha", [](json& run) { run["settings"]["alpha"] = "much"; });
  expectNamed("settings.alpha", [](json& run) { run["settings"]["alpha"] = 7; });
  expectNamed("settings.metrics", [](json& run) { run["settings"]["metrics"] = json::array(); });
  expectNamed("settings.metrics[0]", [](json& run) { run["settings"]["metrics"] = {"../../etc/passwd"}; });
  expectNamed("settings.method", [](json& run) { run["settings"]["method"] = "guess"; });
  expectNamed("settings.top", [](json& run) { run["settings"]["top"] = -1; });
  expectNamed("settings.top", [](json& run) { run["settings"]["top"] = 18446744073709551615U; });
  expectNamed("settings.top", [](json& run) { run["settings"]["top"] = 1.5; });
  expectNamed("settings.seed", [](json& run) { run["settings"]["seed"] = -1; });
  expectNamed("provenance.threads", [](json& run) { run["provenance"]["threads"] = 3000000000U; });
  expectNamed("provenance.machine", [](json& run) { run["provenance"].erase("machine"); });
  expectNamed("cost", [](json& run) { run["cost"] = 3; });
  expectNamed("parameters[0].shape", [](json& run) { run["parameters"][0]["shape"] = {1LL << 40, 1LL << 40}; });
  expectNamed("parameters[0].shape[0]", [](json& run) { run["parameters"][0]["shape"] = {-1}; });
  expectNamed("parameters[0].layer", [](json& run) { run["parameters"][0]["layer"] = 1; });
  expectNamed("parameters[1].name", [](json& run) { run["parameters"][1]["name"] = run["parameters"][0]["name"]; });
  expectNamed("layers[0].weight_hh", [](json& run) { run["layers"][0]["weight_hh"] = 4; });
  expectNamed("layers[0].readers[0].parameter", [](json& run) { run["layers"][0]["readers"][0]["parameter"] = -1; });
  expectNamed("layers[0].readers[0].column_of_unit[1]",
              [](json& run) { run["layers"][0]["readers"][0]["column_of_unit"][1] = 6; });
  expectNamed("components[0].joint.max", [](json& run) { run["components"][0]["joint"]["max"] = "x"; });
  expectNamed("components", [](json& run) { run["components"] = "none"; });
}

TEST(HostileRun, RefusesEveryFieldOfAnotherType) {
  const TemporaryFolder folder;
  writeExample(folder);
  json whole = json::parse(contentOf(folder / "run.json"));
  whole.erase("sha256");  // which would refuse any other value
  const json fields = whole.flatten();
  const std::set<std::string> derived{"/output/tensors/0/samples", "/output/tensors/0/steps",
                                      "/output/tensors/0/classes"};
  for (const auto& [pointer, unused] : fields.items()) {
    if (derived.contains(pointer)) continue;
    json document = whole;
    document[json::json_pointer(pointer)] = {{"an", "object"}};
    putContent(folder / "run.json", document.dump());
    errorOf([&] { (void)readRunFacts(folder.path()); }, Fault::output);
  }
}

TEST(HostileRun, RefusesTextThatIsNotTheJsonExpected) {
  const TemporaryFolder folder;
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string(1000000, '['),
        std::string("{\"format\": 1e999}"), std::string("\x00\xff", 2)}) {
    putContent(folder / "run.json", text);
    errorOf([&] { (void)readRun(folder.path()); }, Fault::output);
  }
}

TEST(HostileRun, NamesTheTensorFileThatIsMissingOrDoesNotFit) {
  const TemporaryFolder folder;
  for (const char* name : {"impact", "standard_error", "lower", "upper", "weight", "measured", "impact_kl"}) {
    writeExample(folder);
    const std::string file = std::string(name) + ".safetensors";
    std::filesystem::remove(folder / file);
    const std::string error = errorOf([&] { (void)readRun(folder.path()); }, Fault::output);
    EXPECT_NE(error.find(file + " is missing"), std::string::npos) << error;
    putContent(folder / file, "garbage that is no tensor");
    EXPECT_NE(errorOf([&] { (void)readRun(folder.path()); }, Fault::output).find(file), std::string::npos);
  }
  writeExample(folder);
  const auto error = [&](const char* field, const json& value) {
    json document = json::parse(runJson(exampleRun()).dump());
    document["parameters"][0][field] = value;
    putContent(folder / "run.json", document.dump());
    return errorOf([&] { (void)readRun(folder.path()); }, Fault::output);
  };
  const std::string shape = error("shape", {3, 8});
  EXPECT_NE(shape.find("is float32 [8, 3], but run.json lists float32 [3, 8]"), std::string::npos) << shape;
  const std::string absent = error("name", "odd\n\x1b[31mname");
  EXPECT_NE(absent.find("has no tensor 'odd"), std::string::npos) << absent;
}

bool same(const ParameterImpacts& a, const ParameterImpacts& b) {
  const auto equal = [](const std::vector<float>& one, const std::vector<float>& other) {
    return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) == 0;
  };
  return equal(a.impact, b.impact) && equal(a.upper, b.upper) && a.measured == b.measured;
}

TEST(HostileRun, FindsEveryFlippedBitThatAValueHangsOn) {
  const TemporaryFolder folder;
  writeExample(folder);
  const heft::Run whole = readRun(folder.path());
  const std::string facts = runJson(whole).dump();
  for (const char* name : {"impact.safetensors", "upper.safetensors", "measured.safetensors", "run.json"}) {
    const std::string good = contentOf(folder / name);
    std::size_t refused = 0;
    for (std::size_t byte = 0; byte < good.size(); ++byte) {
      std::string flipped = good;
      flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (byte % 8)));
      putContent(folder / name, flipped);
      try {
        const heft::Run read = readRun(folder.path());
        EXPECT_EQ(runJson(read).dump(), facts) << name << " byte " << byte;
        for (std::size_t p = 0; p < whole.impacts.size(); ++p)
          EXPECT_TRUE(same(read.impacts[p], whole.impacts[p])) << name << " byte " << byte;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
        ++refused;
      }
    }
    EXPECT_GT(refused, good.size() * 3 / 4) << name;
    putContent(folder / name, good);
  }
}

TEST(HostileRun, ReadsRunsThatHaveNoSha256) {
  const TemporaryFolder folder;
  writeExample(folder);
  json document = json::parse(contentOf(folder / "run.json"));
  ASSERT_EQ(document.erase("sha256"), 1U);
  document["cost"]["seconds"] = 7.5;
  putContent(folder / "run.json", document.dump());
  EXPECT_EQ(readRun(folder.path()).cost.seconds, 7.5);
}

TEST(HostileRun, ShowsAVerdictOnWhateverValuesTheTensorsHold) {
  heft::Run run = exampleRun();
  const float endlessFloat = std::numeric_limits<float>::infinity();
  run.impacts[0].impact = std::vector<float>(24, endlessFloat);
  run.impacts[0].weight = std::vector<float>(24, noFloat);
  run.impacts[1].impact = std::vector<float>(8, -1);
  run.impacts[1].measured = std::vector<std::uint8_t>(8, 200);
  run.impacts[2].lower = std::vector<float>(12, noFloat);
  run.structure.parameters[0].gates = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
  const TemporaryFolder folder;
  writeRun(run, findingsOf(run), folder.path());
  const heft::Run read = readRun(folder.path());
  const Findings findings = findingsOf(read);
  EXPECT_FALSE(verdict(read, findings).empty());
  EXPECT_TRUE(json::accept(jsonText(summaryJson(read, findings))));
}

}  // namespace
}  // namespace heft::test
