#include "parity/fixtures.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace heft::test {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(HEFT_TEST_DATA) / "models";

std::vector<Fixture> readIndex() {
  std::ifstream file(kFolder / "index.json");
  std::vector<Fixture> all;
  for (const auto& entry : nlohmann::json::parse(file)) {
    Fixture one;
    one.name = entry.at("name");
    one.file = entry.at("file");
    one.inputs = entry.value("inputs", "");
    one.stream = entry.value("stream", false);
    one.carry = entry.value("carry", std::vector<std::string>());
    one.output_target = entry.value("output_target", "");
    one.container = entry.value("container", "");
    one.dtype = entry.value("dtype", "");
    one.refused = entry.at("expected") == "refused";
    one.refusal = entry.value("refusal_contains", "");
    one.interact = entry.value("samples_interact", false);
    one.recurrent = entry.value("recurrent", false);
    one.train = entry.value("train", false);
    if (entry.contains("batch_dim") && entry.at("batch_dim").is_number()) one.batch_dim = entry.at("batch_dim");
    for (const auto& tag : entry.at("tags")) one.tags.push_back(tag);
    all.push_back(std::move(one));
  }
  return all;
}

std::filesystem::path expectedFile(const Fixture& fixture) {
  return kFolder / (fixture.name + ".expected.safetensors");
}

bool sameValues(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && at::allclose(a, b, 1e-6, 1e-9);
}

/// Skips all tests, with the reason, where the device that they are to run on is missing.
class DeviceIsThere : public testing::Environment {
 public:
  void SetUp() override {
    if (testDevice().is_cuda() && !at::hasCUDA()) GTEST_SKIP() << "no CUDA device is usable here";
  }
};

const auto* const kDeviceIsThere = testing::AddGlobalTestEnvironment(new DeviceIsThere);

}  // namespace

c10::Device testDevice() {
  const char* name = std::getenv("HEFT_TEST_DEVICE");
  if (name == nullptr || *name == '\0') return c10::kCPU;
  const c10::Device device(name);
  return device.is_cuda() && !device.has_index() ? c10::Device(c10::kCUDA, 0) : device;
}

SessionOptions shipped(const std::string& name) {
  const std::filesystem::path folder = HEFT_MODELS;
  SessionOptions options;
  options.model = folder / (name + ".pt");
  options.inputs = {folder / (name + "-inputs.safetensors")};
  options.devices = {testDevice()};
  return options;
}

bool Fixture::has(const std::string& tag) const { return std::find(tags.begin(), tags.end(), tag) != tags.end(); }

SessionOptions Fixture::options() const {
  SessionOptions options;
  options.model = kFolder / file;
  options.inputs = {kFolder / inputs};
  options.output_target = output_target;
  options.stream = stream;
  options.carry = carry;
  options.devices = {testDevice()};
  return options;
}

void PrintTo(const Fixture& fixture, std::ostream* out) { *out << fixture.name; }

const std::vector<Fixture>& fixtures() {
  static const auto all = readIndex();
  return all;
}

std::vector<Fixture> rankedFixtures() {
  std::vector<Fixture> ranked;
  std::copy_if(fixtures().begin(), fixtures().end(), std::back_inserter(ranked),
               [](const Fixture& one) { return !one.refused; });
  return ranked;
}

std::vector<Fixture> fixturesWith(const std::string& tag) {
  std::vector<Fixture> some;
  for (const auto& one : rankedFixtures()) {
    if (one.has(tag)) some.push_back(one);
  }
  return some;
}

const Fixture& fixture(const std::string& name) {
  const auto found =
      std::find_if(fixtures().begin(), fixtures().end(), [&](const Fixture& one) { return one.name == name; });
  if (found == fixtures().end()) throw std::runtime_error("no fixture is called " + name);
  return *found;
}

std::vector<double> expectedBaseline(const Fixture& fixture) {
  for (const auto& tensor : readSafetensors(expectedFile(fixture)).tensors) {
    if (tensor.name != "baseline") continue;
    auto values = asDoubles(tensor);
    for (auto& value : values) {
      if (std::isinf(value)) value = std::copysign(1e300, value);  // as OutputLayout::holdInfinities() has them
    }
    return values;
  }
  throw std::runtime_error(fixture.name + " has no expected baseline");
}

std::vector<Expected> expectedImpacts(const Fixture& fixture) {
  std::map<std::string, Expected> all;
  for (const auto& tensor : readSafetensors(expectedFile(fixture)).tensors) {
    const auto colon = tensor.name.find(':');
    if (colon == std::string::npos) continue;
    const auto kind = tensor.name.substr(0, colon);
    auto& one = all[tensor.name.substr(colon + 1)];
    const auto values = asDoubles(tensor);
    if (kind == "index")
      one.index.assign(values.begin(), values.end());
    else if (kind == "impact")
      one.impact = values;
    else if (kind == "weight")
      one.weights = values, one.shape = tensor.shape;
  }
  std::vector<Expected> list;
  for (auto& [name, one] : all) {
    one.parameter = name;
    list.push_back(std::move(one));
  }
  return list;
}

std::vector<Place> placesOf(const Expected& expected, const Model& model) {
  std::vector<Place> places;
  for (size_t p = 0; p < model.parameters.size(); ++p) {
    const auto& parameter = model.parameters[p];
    const auto& tied = parameter.tied;
    const auto index = static_cast<int64_t>(p);
    if (expected.weights.empty()) {
      if (parameter.name != expected.parameter && std::find(tied.begin(), tied.end(), expected.parameter) == tied.end())
        continue;
      for (const auto flat : expected.index) places.push_back({index, flat});
      return places;
    }
    const auto values = at::tensor(expected.weights, at::kDouble).view(expected.shape);
    const auto held = parameter.value.detach().to(at::kCPU, at::kDouble);
    if (sameValues(values, held)) {
      for (const auto flat : expected.index) places.push_back({index, flat});
      return places;
    }
    if (values.dim() == 2 && sameValues(values.t(), held)) {
      for (const auto flat : expected.index)
        places.push_back({index, flat % values.size(1) * values.size(0) + flat / values.size(1)});
      return places;
    }
  }
  return std::vector<Place>(expected.index.size());
}

}  // namespace heft::test
