#include "engine/estimate/sites/layer_adjoint.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <string>
#include <tuple>

namespace heft {
namespace {

/// A run with autograd's own tape: what units emit goes through leaves that all other units see, and they themselves don't.
class Tape : public LayerHook {
 public:
  Tape(int64_t hidden, const CellWeights& weights)
      : hidden_(hidden), own_(weights.recurrent.view({-1, hidden, hidden}).diagonal(0, 1, 2).reshape({-1})) {}

  at::Tensor inputTerms(const at::Tensor& terms) override {
    leaf = at::zeros({terms.size(0), terms.size(1), hidden_}, terms.options()).requires_grad_(true);
    leaves_ = leaf.unbind(0);
    return terms;
  }
  at::Tensor recurrentTerm(int64_t step, const at::Tensor& term, const at::Tensor& /*emitted*/) override {
    if (step == 0) return term;
    return term - leaves_[static_cast<size_t>(step - 1)].repeat({1, term.size(1) / hidden_}) * own_;
  }
  void preActivations(int64_t /*step*/, const at::Tensor& from_input, const at::Tensor& from_hidden,
                      const at::Tensor& /*emitted*/, const at::Tensor& before) override {
    input.push_back(from_input.detach());
    recurrent.push_back(from_hidden.detach());
    if (before.defined()) carry.push_back(before.detach());
  }
  at::Tensor emission(int64_t step, const at::Tensor& hidden) override {
    return hidden + leaves_[static_cast<size_t>(step)];
  }

  [[nodiscard]] const at::Tensor& own() const { return own_; }

  at::Tensor leaf;
  std::vector<at::Tensor> input, recurrent, carry;

 private:
  int64_t hidden_;
  at::Tensor own_;  ///< [gates x hidden]
  std::vector<at::Tensor> leaves_;
};

struct Shape {
  int64_t steps, rows, inputs, hidden, seeds;
  bool packed;
};

class Adjoints : public testing::TestWithParam<std::tuple<CellKind, Shape>> {};

double rms(const at::Tensor& values) { return values.to(at::kDouble).square().mean().sqrt().item<double>(); }

TEST_P(Adjoints, AreThoseOfAutogradsTape) {
  const auto [kind, shape] = GetParam();
  at::manual_seed(static_cast<uint64_t>(shape.steps * 100 + shape.hidden));
  const auto gates = static_cast<int64_t>(gateNames(kind).size());
  const auto random = [](at::IntArrayRef sizes, double scale) { return at::randn(sizes, at::kDouble) * scale; };
  CellWeights weights;
  weights.input = random({gates * shape.hidden, shape.inputs}, 0.4);
  weights.recurrent = random({gates * shape.hidden, shape.hidden}, 1.2 / std::sqrt(static_cast<double>(shape.hidden)));
  weights.input_bias = random({gates * shape.hidden}, 0.3);
  weights.recurrent_bias = random({gates * shape.hidden}, 0.3);
  LayerInput input;
  input.sequence = random({shape.steps, shape.rows, shape.inputs}, 1).requires_grad_(true);
  input.hidden = random({shape.rows, shape.hidden}, 0.5).requires_grad_(true);
  if (kind == CellKind::lstm) input.carry = random({shape.rows, shape.hidden}, 0.5).requires_grad_(true);
  if (shape.packed) {
    const auto length = at::arange(shape.rows).remainder(shape.steps) + 1;
    input.active = at::arange(shape.steps).view({-1, 1, 1}).lt(length.view({1, -1, 1}));
  }
  Tape tape(shape.hidden, weights);
  const auto output = runLayer(kind, weights, input, tape);
  const LayerAdjoint adjoint(kind, weights, tape.own(), tape.input, tape.recurrent, tape.carry, input.active);

  const LayerAdjoints after{random({shape.seeds, shape.steps, shape.rows, shape.hidden}, 1),
                            random({shape.seeds, shape.rows, shape.hidden}, 1),
                            kind == CellKind::lstm ? random({shape.seeds, shape.rows, shape.hidden}, 1) : at::Tensor()};
  std::vector<at::Tensor> wanted{input.sequence, input.hidden, tape.leaf};
  if (kind == CellKind::lstm) wanted.push_back(input.carry);
  std::vector<std::vector<at::Tensor>> truth(wanted.size());
  for (int64_t s = 0; s < shape.seeds; ++s) {
    std::vector<at::Tensor> outputs{output.sequence, output.hidden}, given{after.sequence[s], after.hidden[s]};
    if (kind == CellKind::lstm) {
      outputs.push_back(output.carry);
      given.push_back(after.carry[s]);
    }
    const auto found = torch::autograd::grad(outputs, wanted, given, /*retain_graph=*/true);
    for (size_t i = 0; i < found.size(); ++i) truth[i].push_back(found[i]);
  }
  const auto check = [&](const LayerAdjoint::Found& found, double relative, const std::string& how) {
    std::vector<at::Tensor> all{found.before.sequence, found.before.hidden, found.emission};
    if (kind == CellKind::lstm) all.push_back(found.before.carry);
    for (size_t i = 0; i < all.size(); ++i) {
      auto want = at::stack(truth[i]);
      // A unit that has no such step emits nothing, whatever its adjoint.
      if (i == 2 && input.active.defined()) want = at::where(input.active, want, at::zeros_like(want));
      EXPECT_LE(rms(all[i] - want), relative * rms(want)) << how << " " << i;
      EXPECT_LE((all[i] - want).abs().max().item<double>(), 10 * relative * want.abs().max().item<double>())
          << how << " " << i;
    }
  };
  check(adjoint.exactly(after, true), 1e-13, "exactly");
  check(adjoint.quickly(after, true), 1e-5, "quickly");
  check(adjoint.quickly(after, true, /*rounded=*/true), 2e-2, "rounded");
  // Types and orders in memory that autograd may hand over.
  const auto turned = [](const at::Tensor& one) {
    return one.defined() ? one.to(at::kFloat).transpose(-2, -1).contiguous().transpose(-2, -1) : one;
  };
  check(adjoint.quickly({turned(after.sequence), turned(after.hidden), turned(after.carry)}, true), 1e-5, "turned");
  // What is written for devices, on the host.
  const LayerAdjoint device(kind, weights, tape.own(), tape.input, tape.recurrent, tape.carry, input.active, true);
  check(device.quickly(after, true), 1e-5, "device");
  check(device.quickly({turned(after.sequence), turned(after.hidden), turned(after.carry)}, true), 1e-5,
        "turned on a device");
  // Nothing but the final state moves the outputs.
  const auto exact = adjoint.exactly({{}, after.hidden, {}}, false);
  for (const auto* one : {&adjoint, &device}) {
    const auto some = one->quickly({{}, after.hidden, {}}, false);
    EXPECT_FALSE(some.before.sequence.defined());
    EXPECT_LE(rms(some.emission - exact.emission), 1e-5 * rms(exact.emission));
  }
}

std::string nameOf(const testing::TestParamInfo<std::tuple<CellKind, Shape>>& info) {
  const auto& [kind, shape] = info.param;
  constexpr const char* kNames[] = {"lstm", "gru", "tanh", "relu"};
  return std::string(kNames[static_cast<int>(kind)]) + "_hidden_" + std::to_string(shape.hidden) + "_rows_" +
         std::to_string(shape.rows) + "_steps_" + std::to_string(shape.steps) + "_seeds_" +
         std::to_string(shape.seeds) + (shape.packed ? "_packed" : "");
}

// From one unit to layers whose products run by tiles; rows of more than a block; seeds that don't fill theirs.
INSTANTIATE_TEST_SUITE_P(
    Layers, Adjoints,
    testing::Combine(testing::Values(CellKind::lstm, CellKind::gru, CellKind::rnn_tanh, CellKind::rnn_relu),
                     testing::Values(Shape{5, 3, 4, 1, 2, false}, Shape{7, 4, 3, 33, 5, true},
                                     Shape{12, 150, 6, 19, 3, true}, Shape{6, 7, 70, 64, 41, false},
                                     Shape{9, 6, 16, 136, 23, true})),
    nameOf);

}  // namespace
}  // namespace heft
