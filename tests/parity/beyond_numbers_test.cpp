#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../bench/saved_model.hpp"
#include "data/scratch_folder.hpp"
#include "measure/rank/rank.hpp"
#include "measure/session/provenance.hpp"
#include "parity/fixtures.hpp"
#include "parity/loaded_fixture.hpp"

namespace heft::test {
namespace {

/// A GRU whose logits are divided by a weight, and perhaps made a distribution: without the weight they are infinite, or no numbers.
torch::jit::Module dividing(bool distribution) {
  torch::jit::Module module("__torch__.Dividing");
  for (const auto& one : bench::makeModule({CellKind::gru, 4, 6, 1, 3, 5, 4}).named_parameters())
    module.register_parameter(one.name, one.value, false);
  module.register_parameter("temperature", at::full({1}, 0.7f), false);
  module.define(std::string(R"(
def forward(self, x: Tensor) -> Tensor:
  s = torch.zeros([1, x.size(0), 6], dtype=x.dtype)
  y, h = torch.gru(x, s, [self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0], True, 1, 0.0, False, False, True)
  logits = torch.linear(y[:, -1], self.head, self.head_bias) / self.temperature
)") + (distribution ? "  return torch.softmax(logits, -1)\n" : "  return logits\n"));
  return module;
}

class BeyondNumbers : public testing::TestWithParam<std::tuple<Method, bool>> {};

/// Neither stops a ranking; the weight is executed, and what came of it is told.
TEST_P(BeyondNumbers, AreExecutedAndTold) {
  at::set_num_threads(1);
  const auto [method, distribution] = GetParam();
  const bench::SavedModel saved(dividing(distribution), bench::makeInputs({CellKind::gru, 4, 6, 1, 3, 5, 4}));
  auto options = saved.options();
  options.devices = {testDevice()};
  Session session(options);
  RankSettings settings;
  settings.method = method;
  settings.top = 5;
  const auto provenance = provenanceOf(session, 1);
  const ScratchFolder folder;
  Checkpoint checkpoint(folder.path(), {}, checkpointColumns(settings));
  const auto run = rankWeights(session, settings, provenance, checkpoint, [](const std::string&, double) {});
  const auto at = std::find_if(run.impacts.begin(), run.impacts.end(), [&](const auto& one) {
    return run.structure.parameters[static_cast<size_t>(&one - run.impacts.data())].name == "temperature";
  });
  ASSERT_NE(at, run.impacts.end());
  EXPECT_EQ(at->measured[0], 1);
  EXPECT_EQ(std::isnan(at->impact[0]), distribution) << at->impact[0];
  EXPECT_EQ(std::isinf(at->impact[0]), !distribution) << at->impact[0];
  const auto told = [&](const std::string& words) {
    return std::any_of(run.notes.begin(), run.notes.end(),
                       [&](const auto& note) { return note.find(words) != std::string::npos; });
  };
  EXPECT_EQ(told("no number once temperature[0] is changed"), distribution);
  // So small a model is executed whole by `auto`, which then estimates nothing.
  EXPECT_EQ(told("no estimate"), method == Method::response);
  // Everything else is a number.
  for (const auto& one : run.impacts) {
    if (&one == &*at) continue;
    for (const auto impact : one.impact) EXPECT_TRUE(std::isfinite(impact));
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, BeyondNumbers,
                         testing::Combine(testing::Values(Method::automatic, Method::response, Method::exhaustive),
                                          testing::Bool()));

}  // namespace
}  // namespace heft::test
