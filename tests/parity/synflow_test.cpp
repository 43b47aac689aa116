#include "compare/measures/synflow.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include "data/inputs.hpp"
#include "parity/fixtures.hpp"

namespace heft::test {
namespace {

/// By parameter name: |w dR/dw| of the signless module on ones, by LibTorch alone.
std::map<std::string, at::Tensor> expectedFor(const Fixture& one) {
  auto module = torch::jit::load(one.options().model.string(), c10::kCPU);
  module.to(at::kDouble);
  auto values =
      readInputs(one.options().inputs, module.get_method("forward").function().getSchema(), c10::kCPU, false).values;
  for (auto& value : values) {
    if (value.isTensor() && value.toTensor().is_floating_point()) value = at::ones_like(value.toTensor(), at::kDouble);
  }
  {
    const at::NoGradGuard no_grad;
    for (const auto& parameter : module.parameters()) parameter.abs_();
  }
  for (const auto& parameter : module.parameters()) parameter.set_requires_grad(true);
  module.forward(values).toTensor().sum().backward();
  std::map<std::string, at::Tensor> scores;
  for (const auto& parameter : module.named_parameters()) {
    const auto& gradient = parameter.value.grad();
    scores[parameter.name] =
        gradient.defined() ? (parameter.value * gradient).abs().detach() : at::zeros_like(parameter.value);
  }
  return scores;
}

TEST(SynFlow, IsWhatLibTorchGivesForTheModelWithoutItsSigns) {
  for (const auto* name : {"lstm_1_layer", "lstm_3_layers_bidirectional", "conv1d_lstm", "function_abs"}) {
    const auto& one = fixture(name);
    const auto expected = expectedFor(one);
    Session session(one.options());
    const auto before = session.model().parameters[0].value.detach().clone();
    const auto scores = synflowScores(session);
    for (size_t p = 0; p < scores.size(); ++p) {
      const auto want = expected.at(session.structure().parameters[p].name).reshape({-1}).to(at::kFloat);
      const auto found = at::tensor(scores[p]);
      EXPECT_GT(want.max().item<double>(), 0) << name;
      EXPECT_TRUE(found.allclose(want, 1e-5, 1e-12)) << name << " " << session.structure().parameters[p].name;
    }
    EXPECT_TRUE(session.model().parameters[0].value.equal(before)) << "the weights are what they were";
    EXPECT_FALSE(session.model().parameters[0].value.requires_grad());
  }
}

}  // namespace
}  // namespace heft::test
