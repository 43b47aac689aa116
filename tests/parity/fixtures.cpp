#include "parity/fixtures.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "data/safetensors.hpp"

namespace heft::test {
namespace {

std::filesystem::path folder() { return std::filesystem::path(HEFT_TEST_DATA) / "models"; }

}  // namespace

std::vector<Fixture> rankedFixtures() {
  std::ifstream file(folder() / "index.json");
  std::vector<Fixture> fixtures;
  for (const auto& entry : nlohmann::json::parse(file)) {
    if (entry.at("expected") != "ranked") continue;
    Fixture fixture{entry.at("name"), entry.at("inputs"), entry.at("output_target"), entry.at("stream"), {}};
    if (!entry.at("output_batch_dim").is_null()) fixture.output_batch_dim = entry.at("output_batch_dim");
    fixtures.push_back(fixture);
  }
  return fixtures;
}

Expected readExpected(const Fixture& fixture) {
  Expected expected;
  for (const auto& tensor : readSafetensors(folder() / (fixture.name + ".expected.safetensors")).tensors) {
    const auto values = asDoubles(tensor);
    if (tensor.name == "baseline") expected.baseline = values;
    if (tensor.name.starts_with("index:"))
      expected.index[tensor.name.substr(6)].assign(values.begin(), values.end());
    if (tensor.name.starts_with("impact:")) expected.impact[tensor.name.substr(7)] = values;
  }
  return expected;
}

LoadedFixture::LoadedFixture(const Fixture& fixture) {
  model_ = std::make_unique<Model>(loadModel(folder() / (fixture.name + ".pt")));
  const auto target = OutputTarget::parse(fixture.output_target);
  auto inputs = readInputs({folder() / fixture.inputs},
                           model_->module.get_method("forward").function().getSchema(), c10::kCPU, false);
  runner_ =
      std::make_unique<Runner>(*model_, std::move(inputs), RunnerOptions{fixture.stream, target.module_name});
  PlainHandler handler(*model_);
  layout_ = std::make_unique<OutputLayout>(runner_->run(handler), target, std::vector<int64_t>{}, 1);
}

at::Tensor LoadedFixture::baseline() {
  const at::NoGradGuard no_grad;
  PlainHandler handler(*model_);
  return layout_->table(runner_->run(handler)).flatten().clone();
}

std::optional<int64_t> LoadedFixture::find(const std::string& parameter) const {
  for (size_t i = 0; i < model_->parameters.size(); ++i) {
    const auto& known = model_->parameters[i];
    const bool tied = std::find(known.tied.begin(), known.tied.end(), parameter) != known.tied.end();
    if (known.name == parameter || tied) return static_cast<int64_t>(i);
  }
  return std::nullopt;
}

Variant setWeights(int64_t parameter, std::vector<int64_t> index, double value) {
  std::vector<double> values(index.size(), value);
  return {{{parameter, std::move(index), std::move(values)}}};
}

at::Tensor executeAll(Executor& executor, const std::vector<Variant>& variants) {
  std::vector<at::Tensor> parts;
  size_t next = 0;
  executor.execute(variants, [&](size_t first, const at::Tensor& outputs) {
    EXPECT_EQ(first, next) << "variants must be received in order";
    next = first + static_cast<size_t>(outputs.size(0));
    parts.push_back(outputs.flatten(1).clone());
  });
  EXPECT_EQ(next, variants.size());
  return at::cat(parts);
}

}  // namespace heft::test
