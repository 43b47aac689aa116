#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <random>

#include "../bench/saved_model.hpp"
#include "engine/estimate/take_emission_adjoints.hpp"
#include "engine/execute/delta/baseline_calls.hpp"
#include "engine/execute/delta/gate_adjoints.hpp"
#include "engine/kernels/products/delta_product.hpp"
#include "parity/loaded_fixture.hpp"

namespace heft::test {
namespace {

/// How every output moves with one weight of a recurrent matrix or its bias, by its gates' adjoints: [samples, elements].
class GateSlopes {
 public:
  explicit GateSlopes(Session& session) : adjoints_(emissionAdjoints(session.runner(), session.layout())) {
    calls_.emplace(session.model());
    const at::NoGradGuard no_grad;
    calls_->finish(session.runner().run(*calls_));
  }

  [[nodiscard]] bool known() const { return !adjoints_.empty(); }

  /// Each weight and bias of each cell, with its slopes [samples, elements] by result and column.
  struct Matrix {
    at::Tensor weight;          ///< as the call read it
    at::Tensor adjoints, read;  ///< [elements, steps, rows, results], [steps, rows, columns]
    at::Tensor sample_of_row;
    [[nodiscard]] at::Tensor slope(int64_t result, int64_t column, int64_t samples) const {
      const auto by_row = (adjoints.select(3, result) * read.select(2, column)).sum(1).t();
      return at::zeros({samples, by_row.size(1)}, by_row.options())
          .index_add_(0, sample_of_row.to(by_row.device()), by_row);
    }
  };
  std::vector<Matrix> matrices() {
    std::vector<Matrix> all;
    size_t next = 0;
    for (size_t number = 0; auto* call = calls_->at(number); ++number) {
      call->prepare(calls_->form());
      for (size_t i = 0; i < call->cells.size(); ++i)
        add(call->cells[i], call->call.weights[i], adjoints_.at(next++), all);
    }
    EXPECT_EQ(next, adjoints_.size());
    return all;
  }

 private:
  static void add(const CellBaseline& cell, const CellWeights& weights, const EmissionAdjoints& after,
                  std::vector<Matrix>& all) {
    std::vector<at::Tensor> steps(static_cast<size_t>(cell.steps));
    walkGateAdjoints(cell, after, [&](int64_t step, const at::Tensor& one) { steps[static_cast<size_t>(step)] = one; });
    const auto gates = at::stack(steps, 1);
    const auto rows = weights.recurrent.size(0);
    auto of_input = gates.narrow(3, 0, rows);
    if (cell.kind == CellKind::gru)
      of_input = at::cat({gates.narrow(3, 0, 2 * cell.hidden), gates.narrow(3, rows, cell.hidden)}, 3);
    const auto ones = at::ones({cell.steps, cell.rows, 1}, cell.points.options());
    all.push_back({weights.input, of_input, cell.read, after.samples});
    all.push_back({weights.recurrent, gates.narrow(3, 0, rows), cell.before, after.samples});
    if (weights.input_bias.defined()) all.push_back({weights.input_bias, of_input, ones, after.samples});
    if (weights.recurrent_bias.defined())
      all.push_back({weights.recurrent_bias, gates.narrow(3, 0, rows), ones, after.samples});
  }

  std::vector<EmissionAdjoints> adjoints_;
  std::optional<BaselineCalls> calls_;
};

class GateAdjoints : public testing::TestWithParam<std::string> {};

/// By the slope of executed outputs, from a little above a weight to a little below.
TEST_P(GateAdjoints, AreTheSlopesOfExecutedOutputs) {
  at::set_num_threads(1);
  Session session(fixture(GetParam()).options());
  GateSlopes slopes(session);
  ASSERT_TRUE(slopes.known());
  const auto loop = makeLoopExecutor(session.runner(), session.layout());
  const double scale = session.baseline().abs().max().item<double>();
  std::mt19937_64 random(1);
  int compared = 0;
  for (const auto& matrix : slopes.matrices()) {
    int64_t parameter = -1;
    for (size_t p = 0; p < session.model().parameters.size(); ++p) {
      if (session.model().parameters[p].value.is_same(matrix.weight) ||
          session.model().parameters[p].value.data_ptr() == matrix.weight.data_ptr())
        parameter = static_cast<int64_t>(p);
    }
    if (parameter < 0) continue;
    const auto columns = matrix.read.size(2);
    for (int i = 0; i < 6; ++i) {
      const auto flat = static_cast<int64_t>(random() % static_cast<uint64_t>(matrix.weight.numel()));
      const double value = matrix.weight.flatten()[flat].item<double>();
      constexpr double kStep = 1e-5;
      std::vector<at::Tensor> outputs;
      for (const double moved : {value + kStep, value - kStep}) {
        loop->execute(std::vector{setWeights(parameter, {flat}, moved)},
                      [&](size_t, const at::Tensor& one) { outputs.push_back(one[0].cpu().clone()); });
      }
      const auto want = (outputs[0] - outputs[1]) / (2 * kStep);
      const auto found =
          matrix.slope(flat / columns, flat % columns, session.baseline().size(0)).to(at::kCPU, at::kDouble);
      EXPECT_LT((found - want).abs().max().item<double>(), 2e-4 * want.abs().max().item<double>() + 1e-6 * scale)
          << session.model().parameters[static_cast<size_t>(parameter)].name << " " << flat;
      ++compared;
    }
  }
  EXPECT_GT(compared, 10);
}

INSTANTIATE_TEST_SUITE_P(
    Cells, GateAdjoints,
    testing::Values("lstm_1_layer", "lstm_2_layers_batch_first", "lstm_3_layers_bidirectional", "lstm_head_on_c_n",
                    "lstm_returns_all", "lstm_states_learned", "gru_1_layer", "gru_2_layers_bidirectional",
                    "gru_head_on_h_n", "rnn_tanh_1_layer", "rnn_tanh_2_layers_bidirectional", "rnn_relu_1_layer",
                    "rnn_relu_2_layers_bidirectional", "attention_over_time", "blocks_lstm_then_gru",
                    "layer_norm_around_lstm", "packed_lstm_sorted", "packed_lstm_unsorted", "packed_lstm_bidirectional",
                    "packed_gru_bidirectional", "packed_rnn_tanh", "batch_of_windows", "batch_mean_subtracted"),
    [](const auto& one) { return one.param; });

TEST(EmissionAdjoints, AreNotTakenWhereALayerIsCalledMoreThanOnceOrProjects) {
  for (const auto* name :
       {"lstm_proj", "packed_lstm_proj", "cell_lstm_stacked", "stream_policy_lstm", "blocks_called_twice"}) {
    Session session(fixture(name).options());
    EXPECT_TRUE(emissionAdjoints(session.runner(), session.layout()).empty()) << name;
  }
}

struct Rounded {
  bench::Shape shape;
  bool as_device = false;
  bool packed = false;  ///< an LSTM of 128 units over four sequences of other lengths, the first one last
};
void PrintTo(const Rounded& one, std::ostream* out) {
  *out << static_cast<int>(one.shape.kind) << " x " << one.shape.layers << ", " << one.shape.hidden << " hidden, "
       << one.shape.inputs << " inputs, " << one.shape.batch << " samples" << (one.as_device ? ", as a device" : "")
       << (one.packed ? ", packed" : "");
}

torch::jit::Module packedModule(const bench::Shape& shape) {
  torch::jit::Module module("__torch__.Packed");
  for (const auto& one : bench::makeModule(shape).named_parameters())
    module.register_parameter(one.name, one.value, false);
  module.define(R"(
def forward(self, x: Tensor) -> Tensor:
  s = torch.zeros([1, 4, 128], dtype=x.dtype)
  turned = torch.index_select(x, 0, torch.tensor([1, 2, 3, 0]))
  packed, sizes = torch._pack_padded_sequence(turned, torch.tensor([8, 6, 6, 3]), True)
  y, h, c = torch.lstm(packed, sizes, [s, s], [self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0],
                       True, 1, 0.0, False, False)
  last = torch.index_select(h[0] + c[0], 0, torch.tensor([3, 0, 1, 2]))
  return torch.linear(last, self.head, self.head_bias)
)");
  return module;
}

std::vector<Rounded> everyShape() {
  std::vector<Rounded> all;
  for (const bool as_device : {false, true}) all.push_back({{CellKind::lstm, 9, 128, 1, 5, 4, 8}, as_device, true});
  for (const auto kind : {CellKind::lstm, CellKind::gru, CellKind::rnn_tanh, CellKind::rnn_relu}) {
    for (const bool as_device : {false, true}) {
      all.push_back({{kind, 7, 128, 1, 4, 1, 9}, as_device});
      all.push_back({{kind, 130, 131, 2, 3, 5, 7}, as_device});
      all.push_back({{kind, 9, 160, 2, 17, 20, 6}, as_device});
      all.push_back({{kind, 40, 256, 1, 10, 70, 5}, as_device});
    }
  }
  return all;
}

class RoundedProducts : public testing::TestWithParam<Rounded> {
 protected:
  void SetUp() override {
    at::set_num_threads(1);
    if (!GetParam().as_device && testDevice().is_cpu() &&
        DeltaProduct::fastest(ProductForm::rounded) != DeltaProduct::By::tiles)
      GTEST_SKIP() << "this processor multiplies no bfloat16";
    const auto& shape = GetParam().shape;
    saved_.emplace(GetParam().packed ? packedModule(shape) : bench::makeModule(shape), bench::makeInputs(shape));
    auto options = saved_->options();
    options.devices = {testDevice()};
    session_.emplace(options);
  }

  [[nodiscard]] std::unique_ptr<Executor> executor(int64_t rows = 0) {
    return makeBatchExecutor(session_->runner(), session_->layout(),
                             {.rows = rows,
                              .products = ProductForm::rounded,
                              .adjoints = emissionAdjoints,
                              .as_device = GetParam().as_device});
  }
  /// Single weights of every parameter, to zero and elsewhere.
  [[nodiscard]] std::vector<Variant> variants() {
    std::mt19937_64 random(2);
    std::vector<Variant> all;
    for (size_t p = 0; p < session_->model().parameters.size(); ++p) {
      const auto count = static_cast<uint64_t>(session_->model().parameters[p].value.numel());
      for (int i = 0; i < 8; ++i)
        all.push_back(setWeights(static_cast<int64_t>(p), {static_cast<int64_t>(random() % count)}, 0.05 * (i % 3)));
    }
    return all;
  }

  std::optional<bench::SavedModel> saved_;
  std::optional<Session> session_;
};

/// What is left is of second order: units without gates bend more, and a relu has another slope at once.
double allowed(CellKind kind) {
  switch (kind) {
    case CellKind::rnn_tanh:
      return 3e-4;
    case CellKind::rnn_relu:
      return 3e-3;
    default:
      return 5e-5;
  }
}

/// Rounding alone is off by 6e-4 to 1e-2 here.
TEST_P(RoundedProducts, GiveBackWhatRoundingTook) {
  const auto batch = executor();
  const auto loop = makeLoopExecutor(session_->runner(), session_->layout());
  const auto all = variants();
  const auto found = executeAll(*batch, all), want = executeAll(*loop, all);
  const auto baseline = session_->baseline().to(at::kCPU).flatten();
  const auto moved = (want - baseline).square().mean(1).sqrt(), off = (found - want).square().mean(1).sqrt();
  const auto error = (off / (moved + 1e-12 * baseline.square().mean().sqrt())).max().item<double>();
  EXPECT_LT(error, allowed(GetParam().shape.kind));
  for (const auto& note : batch->notes())
    EXPECT_NE(note.find("rounded to bfloat16, as asked"), std::string::npos) << note;
}

TEST_P(RoundedProducts, HaveTheSameBitsInChunksOfAnySize) {
  if (!testDevice().is_cpu()) GTEST_SKIP() << "on a device LibTorch's batched products depend on the chunk";
  const auto all = variants();
  const auto samples = GetParam().shape.batch;
  EXPECT_TRUE(executeAll(*executor(), all).equal(executeAll(*executor(16 * samples), all)));
}

INSTANTIATE_TEST_SUITE_P(Shapes, RoundedProducts, testing::ValuesIn(everyShape()));

}  // namespace
}  // namespace heft::test
