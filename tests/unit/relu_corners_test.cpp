#include "engine/estimate/sites/relu_corners.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <optional>

namespace heft::test {
namespace {

constexpr int64_t kRows = 2, kSteps = 5;

/// A relu layer and two that read it, one of them backwards; a fixed linear form of what those two emit is the output.
struct Network {
  at::Tensor terms, recurrent, bias;  // [rows, steps, 4], [4, 4], [4]
  at::Tensor forward_input, forward_recurrent, forward_out;
  at::Tensor backward_input, backward_recurrent, backward_out;

  explicit Network(int64_t seed) {
    at::manual_seed(static_cast<uint64_t>(seed));
    const auto random = [](at::IntArrayRef shape) { return at::randn(shape, at::kDouble) * 0.6; };
    terms = random({kRows, kSteps, 4});
    recurrent = random({4, 4});
    bias = random({4});
    forward_input = random({3, 4});
    forward_recurrent = random({3, 3});
    forward_out = random({kSteps, 3});
    backward_input = random({3, 4});
    backward_recurrent = random({3, 3});
    backward_out = random({kSteps, 3});
  }
};

/// What is added to what units emit, [rows, steps, units] each: heard by all who read it, or by all but the unit itself.
struct Added {
  at::Tensor first = at::zeros({kRows, kSteps, 4}, at::kDouble);
  at::Tensor to_others = at::zeros({kRows, kSteps, 4}, at::kDouble);
  at::Tensor forward = at::zeros({kRows, kSteps, 3}, at::kDouble);
  at::Tensor backward = at::zeros({kRows, kSteps, 3}, at::kDouble);
};

struct Run {
  at::Tensor output;                    // [rows]
  at::Tensor first, forward, backward;  // pre-activations, [rows, steps, units], in each layer's own order of steps
};

at::Tensor runLayer(const at::Tensor& terms, const at::Tensor& recurrent, const at::Tensor& added,
                    const at::Tensor& to_others, at::Tensor& emitted) {
  const auto others = recurrent * (1 - at::eye(recurrent.size(0), at::kDouble));
  std::vector<at::Tensor> pre_activations, all;
  at::Tensor before, before_others;
  for (int64_t step = 0; step < kSteps; ++step) {
    auto a = terms.select(1, step);
    if (before.defined()) a = a + before.matmul(recurrent.t());
    if (before_others.defined()) a = a + before_others.matmul(others.t());
    pre_activations.push_back(a);
    before = a.relu() + added.select(1, step);
    before_others = to_others.defined() ? to_others.select(1, step) : at::Tensor();
    all.push_back(before_others.defined() ? before + before_others : before);
  }
  emitted = at::stack(all, 1);
  return at::stack(pre_activations, 1);
}

Run simulate(const Network& net, const Added& added = {}) {
  Run run;
  at::Tensor first, forward, backward;
  run.first = runLayer(net.terms + net.bias, net.recurrent, added.first, added.to_others, first);
  run.forward =
      runLayer(first.matmul(net.forward_input.t()), net.forward_recurrent, added.forward, at::Tensor(), forward);
  run.backward = runLayer(first.flip(1).matmul(net.backward_input.t()), net.backward_recurrent, added.backward,
                          at::Tensor(), backward);
  run.output = (forward * net.forward_out).sum({1, 2}) + (backward * net.backward_out).sum({1, 2});
  return run;
}

/// The network as sites see it.
struct Layers {
  ReluLayer first, forward, backward;
  at::Tensor to_others;  ///< adjoint of what a unit emits, heard by all but itself: [rows, steps, 4]

  explicit Layers(const Network& net) {
    Added added;
    for (auto* leaf : {&added.first, &added.to_others, &added.forward, &added.backward}) leaf->requires_grad_(true);
    const auto run = simulate(net, added);
    run.output.sum().backward();
    to_others = added.to_others.grad();
    const auto floats = [](const at::Tensor& tensor) { return tensor.detach().to(at::kFloat).contiguous(); };
    const auto fill = [&](ReluLayer& layer, const at::Tensor& a, const at::Tensor& leaf, const at::Tensor& recurrent,
                          const at::Tensor& input) {
      layer.pre_activation = floats(a);
      layer.lambda = floats(leaf.grad().permute({2, 0, 1}).unsqueeze(2));
      layer.recurrent = floats(recurrent);
      layer.input = floats(input);
    };
    fill(first, run.first, added.first, net.recurrent, at::zeros({4, 1}));
    fill(forward, run.forward, added.forward, net.forward_recurrent, net.forward_input);
    fill(backward, run.backward, added.backward, net.backward_recurrent, net.backward_input);
    first.readers = {{&forward, 0, false}, {&backward, 0, true}};
  }
};

int64_t crossings(const Run& a, const Run& b, int64_t row) {
  const auto count = [&](const at::Tensor& x, const at::Tensor& y) {
    return x[row].gt(0).ne(y[row].gt(0)).sum().item<int64_t>();
  };
  return count(a.first, b.first) + count(a.forward, b.forward) + count(a.backward, b.backward);
}

/// How the outputs of the rows move when a unit's bias, or its weight from `from`, changes: as told and as run.
struct Outcome {
  at::Tensor truth, linear, near, far;  // [rows]
  Run before, after;
};

Outcome change(const Network& net, int64_t unit, std::optional<int64_t> from, double by) {
  Outcome outcome;
  outcome.before = simulate(net);
  auto changed = net;
  changed.bias = net.bias.clone();
  changed.recurrent = net.recurrent.clone();
  if (from)
    changed.recurrent[unit][*from] += by;
  else
    changed.bias[unit] += by;
  outcome.after = simulate(changed);
  outcome.truth = outcome.after.output - outcome.before.output;

  const Layers layers(net);
  // One column a weight from each unit of the layer; the others don't change.
  const int64_t columns = from ? 4 : 1;
  const auto column = from.value_or(0);
  auto emission = at::zeros({kRows, kSteps, columns}, at::kFloat);
  auto moved = at::zeros_like(emission);
  const auto own = net.recurrent[unit][unit].item<double>();
  const auto emitted = outcome.before.first.relu();
  for (int64_t row = 0; row < kRows; ++row) {
    double last = 0;
    for (int64_t step = 0; step < kSteps; ++step) {
      const auto a = outcome.before.first[row][step][unit].item<double>();
      double read = from ? 0 : 1;
      if (from && step > 0) read = emitted[row][step - 1][*from].item<double>();
      const auto move = by * read + (from == unit ? own + by : own) * last;
      last = std::max(0.0, a + move) - std::max(0.0, a);
      emission[row][step][column] = last;
      moved[row][step][column] = move;
    }
  }
  std::vector<float> changes(static_cast<size_t>(columns), 0.0f);
  changes[static_cast<size_t>(column)] = static_cast<float>(by);
  const ChangedUnit what{unit, emission.const_data_ptr<float>(), moved.const_data_ptr<float>(),
                         from ? changes.data() : nullptr};
  outcome.linear = (layers.to_others.select(2, unit) * emission.select(2, column)).sum(1);
  std::vector<float> block(static_cast<size_t>(kRows * columns), 0.0f);
  const auto told = [&] {
    const auto all = at::from_blob(block.data(), {kRows, columns}, at::kFloat).select(1, column).to(at::kDouble);
    std::fill(block.begin(), block.end(), 0.0f);
    return outcome.linear + all;
  };
  addNearCorners(layers.first, what, {0, 1}, {kRows, 1, columns, block.data()});
  outcome.near = told();
  addCorners(*ReluReaches(layers.first).of(unit), what, {0, 1}, {kRows, 1, columns, block.data()});
  outcome.far = told();
  return outcome;
}

TEST(ReluReach, IsHowFarAnEmissionMovesEachPreActivation) {
  const Network net(1);
  const Layers layers(net);
  const ReluReaches reaches(layers.first);
  const auto before = simulate(net);
  constexpr double kSmall = 1e-7;
  for (int64_t unit = 0; unit < 4; ++unit) {
    const auto reach = reaches.of(unit);
    ASSERT_NE(reach, nullptr);
    ASSERT_EQ(reach->layers.size(), 3U);
    for (int64_t start = 0; start < kSteps; ++start) {
      Added added;
      added.to_others.select(2, unit).select(1, start).fill_(kSmall);
      const auto after = simulate(net, added);
      const auto agrees = [&](size_t layer, const at::Tensor& a, const at::Tensor& b) {
        const auto slope = reach->layers[layer].slope.select(3, start).to(at::kDouble);
        EXPECT_TRUE(at::allclose(slope, (b - a) / kSmall, 1e-4, 1e-5)) << "layer " << layer;
      };
      agrees(0, before.first, after.first);
      agrees(1, before.forward, after.forward);
      agrees(2, before.backward, after.backward);
    }
  }
}

TEST(ReluCorners, AreExactWhereOneUnitCrossesOne) {
  // But for a few, where what that one does not do any more was to take another one over its own corner.
  int cases = 0, apart = 0, exact = 0;
  for (int64_t seed = 0; seed < 60; ++seed) {
    const Network net(seed);
    for (int64_t unit = 0; unit < 4; ++unit) {
      for (const double by : {-0.4, -0.1, 0.1, 0.4}) {
        const auto outcome = change(net, unit, {}, by);
        for (int64_t row = 0; row < kRows; ++row) {
          if (crossings(outcome.before, outcome.after, row) != 1) continue;
          const auto truth = outcome.truth[row].item<double>();
          exact += std::abs(outcome.far[row].item<double>() - truth) < 1e-5;
          ++cases;
          apart += std::abs(outcome.linear[row].item<double>() - truth) > 1e-3;
        }
      }
    }
  }
  EXPECT_GT(cases, 200);
  EXPECT_GT(exact, 0.93 * cases) << "of " << cases;
  EXPECT_GT(apart, 100);  // that the slopes at the baseline alone don't tell
}

TEST(ReluCorners, TellMoreThanTheNextUnitsAlone) {
  double linear = 0, near = 0, far = 0;
  const auto off = [](const at::Tensor& told, const Outcome& outcome) {
    return (told - outcome.truth).abs().sum().item<double>();
  };
  for (int64_t seed = 0; seed < 30; ++seed) {
    const Network net(seed);
    for (int64_t unit = 0; unit < 4; ++unit) {
      for (const double by : {-0.3, 0.3}) {
        for (int64_t from = -1; from < 4; ++from) {
          const auto outcome = change(net, unit, from < 0 ? std::nullopt : std::optional(from), by);
          linear += off(outcome.linear, outcome);
          near += off(outcome.near, outcome);
          far += off(outcome.far, outcome);
        }
      }
    }
  }
  EXPECT_LT(near, 0.8 * linear);
  EXPECT_LT(far, 0.55 * near);
}

}  // namespace
}  // namespace heft::test
