#include "parity/loaded_fixture.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/derived/find_functions.hpp"
#include "engine/forward/steady_products.hpp"

namespace heft::test {
namespace {

/// Before any test of this program multiplies.
[[maybe_unused]] const bool steady = steadyProducts();

}  // namespace

LoadedFixture::LoadedFixture(const Fixture& fixture) {
  const auto options = fixture.options();
  model_ = std::make_unique<Model>(loadModel(options.model, {options.device(), /*native=*/false}));
  const auto target = OutputTarget::parse(options.output_target);
  auto inputs =
      readInputs(options.inputs, model_->module.get_method("forward").function().getSchema(), options.device(), false);
  runner_ = std::make_unique<Runner>(
      *model_, std::move(inputs),
      RunnerOptions{options.stream, target.module_name, target.element, parseCarries(options.carry)});
  deriveWeights(*runner_);
  PlainHandler handler(*model_);
  const auto outputs = runner_->run(handler);
  layout_ = std::make_unique<OutputLayout>(outputs, target, std::vector<OutputDims>{}, 1);
  const bool infinite = std::any_of(outputs.begin(), outputs.end(),
                                    [](const NamedOutput& one) { return one.value.isinf().any().item<bool>(); });
  if (infinite) layout_->holdInfinities();
}

at::Tensor LoadedFixture::baseline() {
  const at::NoGradGuard no_grad;
  PlainHandler handler(*model_);
  return layout_->table(runner_->run(handler)).flatten().clone().to(at::kCPU);
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
    parts.push_back(outputs.flatten(1).clone().to(at::kCPU));
  });
  EXPECT_EQ(next, variants.size());
  return at::cat(parts);
}

}  // namespace heft::test
