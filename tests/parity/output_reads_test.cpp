#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <numeric>

#include "engine/execute/delta/baseline_calls.hpp"
#include "parity/loaded_fixture.hpp"
#include "unit/file_helpers.hpp"

namespace heft::test {
namespace {

constexpr int64_t kBatch = 3, kSteps = 6, kInputs = 4, kHidden = 5;
constexpr int64_t kAll = -1;

/// A forward over a recurrent layer's output y, and how many places (step, sample) of it the model reads.
struct Forward {
  std::string name, body;
  int64_t places = kAll;
  std::string layer = "lstm";
};
void PrintTo(const Forward& forward, std::ostream* out) { *out << forward.name; }

const std::string kHead = "return torch.linear(last, self.head, self.head_bias)\n";

/// Python that gives y, h; x is [batch, steps, inputs].
std::string callOf(const std::string& layer) {
  const std::string one = "[self.w_ih, self.w_hh, self.b_ih, self.b_hh";
  const std::string tail = "], True, 1, 0.0, False, ";
  const std::string zeros = "torch.zeros([1, x.size(0), 5], dtype=x.dtype)";
  const std::string states = "  s = " + zeros + "\n";
  if (layer == "lstm") return states + "  y, h, c = torch.lstm(x, [s, s], " + one + tail + "False, True)\n";
  if (layer == "gru")
    return states + "  y, h = torch.gru(x, s, [self.g_ih, self.g_hh, self.g_b, self.g_b" + tail + "False, True)\n";
  if (layer == "time_first")
    return states + "  y, h, c = torch.lstm(x.transpose(0, 1), [s, s], " + one + tail + "False, False)\n";
  if (layer == "bidirectional")
    return "  s = torch.zeros([2, x.size(0), 5], dtype=x.dtype)\n  y, h, c = torch.lstm(x, [s, s], " + one +
           ", self.v_ih, self.v_hh, self.b_ih, self.b_hh" + tail + "True, True)\n";
  if (layer == "two_layers")
    return "  s = torch.zeros([2, x.size(0), 5], dtype=x.dtype)\n  y, h, c = torch.lstm(x, [s, s], " + one +
           ", self.u_ih, self.u_hh, self.b_ih, self.b_hh], True, 2, 0.0, False, False, True)\n";
  if (layer == "packed")
    return states +
           "  packed, sizes = torch._pack_padded_sequence(x, torch.tensor([6, 4, 3]), True)\n"
           "  y, h, c = torch.lstm(packed, sizes, [s, s], " +
           one + tail + "False)\n";
  throw std::runtime_error("no layer " + layer);
}

class OutputReadsOf : public testing::TestWithParam<Forward> {
 protected:
  void SetUp() override {
    at::set_num_threads(1);
    torch::jit::Module module("__torch__.Reads");
    auto random = at::detail::createCPUGenerator(3);
    const auto add = [&](const std::string& name, at::IntArrayRef sizes) {
      module.register_parameter(name, at::empty(sizes).uniform_(-0.5, 0.5, random).set_requires_grad(false), false);
    };
    add("w_ih", {4 * kHidden, kInputs});
    for (const auto* name : {"w_hh", "u_ih", "u_hh", "v_hh"}) add(name, {4 * kHidden, kHidden});
    add("v_ih", {4 * kHidden, kInputs});
    add("b_ih", {4 * kHidden});
    add("b_hh", {4 * kHidden});
    add("g_ih", {3 * kHidden, kInputs});
    add("g_hh", {3 * kHidden, kHidden});
    add("g_b", {3 * kHidden});
    const auto width = GetParam().layer == "bidirectional" ? 2 * kHidden : kHidden;
    add("head", {2, width});
    add("head_bias", {2});
    module.define("def forward(self, x: Tensor):\n" + callOf(GetParam().layer) + GetParam().body);
    module.eval();
    module.save(folder_ / "model.pt");
    model_ = std::make_unique<Model>(loadModel(folder_ / "model.pt"));
    const auto x = at::empty({kBatch, kSteps, kInputs}, at::kDouble).normal_(0, 1, random);
    runner_ = std::make_unique<Runner>(*model_, Inputs{{x}, {"x"}, ""});
    const at::NoGradGuard no_grad;
    PlainHandler plain(*model_);
    layout_ = std::make_unique<OutputLayout>(runner_->run(plain), OutputTarget(), std::vector<OutputDims>{}, 1);
  }

  /// Some of every parameter; last, some after which forward goes the baseline's way, and the same weights with values after
  /// which carries are large in all of them: the executor compares no variant with the loop there.
  [[nodiscard]] std::vector<std::vector<Variant>> variants() const {
    std::vector<std::vector<Variant>> all;
    for (size_t p = 0; p < model_->parameters.size(); ++p) {
      all.emplace_back();
      for (int64_t i = 0; i < 10; ++i) {
        const auto index = 7 * i % model_->parameters[p].value.numel();
        all.back().push_back(setWeights(static_cast<int64_t>(p), {index}, 0.2 * static_cast<double>(i)));
      }
    }
    std::vector<int64_t> gates(3 * kHidden);
    std::iota(gates.begin(), gates.end(), 0);
    for (size_t p = 0; p < model_->parameters.size(); ++p) {
      if (model_->parameters[p].name != "b_ih") continue;
      for (const double value : {0.0, 3.0}) {
        all.emplace_back();
        for (int64_t i = 0; i < 4; ++i)
          all.back().push_back(setWeights(static_cast<int64_t>(p), gates, value + 0.1 * static_cast<double>(i)));
      }
    }
    return all;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<OutputLayout> layout_;
};

TEST_P(OutputReadsOf, AreThePlacesThatForwardReads) {
  const at::NoGradGuard no_grad;
  BaselineCalls calls(*model_);
  calls.finish(runner_->run(calls));
  const auto& read = calls.at(0)->read;
  EXPECT_EQ(read.defined() ? read.sum().item<int64_t>() : kAll, GetParam().places);
}

TEST_P(OutputReadsOf, AreAllThatVariantsRead) {
  const auto loop = makeLoopExecutor(*runner_, *layout_);
  const auto batch = makeBatchExecutor(*runner_, *layout_, {.spoil_unread = true});
  for (const auto& some : variants()) {
    const auto want = executeAll(*loop, some), found = executeAll(*batch, some);
    EXPECT_TRUE(found.allclose(want, 1e-5, 1e-6))
        << some[0].changes[0].value[0] << " in parameter " << some[0].changes[0].parameter << '\n'
        << found << '\n'
        << want;
  }
  EXPECT_TRUE(batch->notes().empty()) << batch->notes()[0];
}

const std::vector<Forward> kForwards{
    {"the_last_step", "  last = y[:, -1]\n  " + kHead, kBatch},
    {"the_last_step_of_a_gru", "  last = y[:, -1]\n  " + kHead, kBatch, "gru"},
    {"the_last_step_time_first", "  last = y[-1]\n  " + kHead, kBatch, "time_first"},
    {"the_last_step_of_two_layers", "  last = y[:, -1]\n  " + kHead, kBatch, "two_layers"},
    {"the_last_step_in_both_directions", "  last = y[:, -1]\n  " + kHead, kBatch, "bidirectional"},
    {"the_first_and_last_step_in_one_direction_each", "  last = torch.cat([y[:, -1, :5], y[:, 0, 5:]], 1)\n  " + kHead,
     2 * kBatch, "bidirectional"},
    {"one_sample", "  last = y[1, 2:4]\n  " + kHead, 2},
    {"the_state_alone", "  last = h[0]\n  " + kHead, 0},
    {"every_other_step",
     "  last = torch.zeros_like(y[:, 0])\n  for t in range(0, y.size(1), 2):\n    last = last + y[:, t]\n  " + kHead,
     3 * kBatch},
    {"one_of_many_views", "  last = y.unbind(1)[2] + y.transpose(0, 1).split(2)[1][1]\n  " + kHead, 2 * kBatch},
    {"an_expanded_view", "  last = y[:, -1:].expand([3, 4, 5]).sum(1)\n  " + kHead, kBatch},
    {"what_dropout_passed_on", "  last = torch.dropout(y, 0.5, False)[:, -1]\n  " + kHead, kBatch},
    {"the_mean_of_all_steps", "  last = y.mean(1)\n  " + kHead},
    {"every_step", "  return torch.linear(y, self.head, self.head_bias)\n"},
    {"attention",
     "  w = torch.softmax(torch.matmul(y, y[:, -1].unsqueeze(2)), 1)\n  last = (w * y).sum(1)\n  " + kHead},
    {"a_copy_made_by_reshape", "  last = y.transpose(1, 2).reshape([3, 30])[:, 3:8]\n  " + kHead},
    {"a_copy_made_by_contiguous", "  last = y.contiguous()[:, -1]\n  " + kHead},
    {"a_copy_made_by_contiguous_time_first", "  last = y.transpose(0, 1).contiguous()[:, -1]\n  " + kHead, kAll,
     "time_first"},
    {"what_contiguous_copies_in_variants_alone", "  last = y.transpose(0, 1).contiguous()[-1]\n  " + kHead, kBatch},
    {"a_copy_made_by_flatten", "  last = y.flatten(1)[:, 25:]\n  " + kHead},
    {"a_view_made_by_flatten", "  last = y.flatten(0, 1)[-3:]\n  " + kHead, kBatch, "time_first"},
    {"a_copy_made_by_to", "  last = y.to(6, False, True)[:, -1]\n  " + kHead},
    {"a_step_written_over", "  last = y[:, -1]\n  last.relu_()\n  " + kHead, kBatch},
    {"a_step_written_over_beside_another", "  y[:, -1].tanh_()\n  last = y[:, -1] - y[:, 1]\n  " + kHead, 2 * kBatch},
    {"a_step_copied_over", "  y[:, 0] = h[0]\n  last = y[:, -1] + 2 * y[:, 0]\n  " + kHead, 2 * kBatch},
    {"all_steps_written_over", "  y.mul_(2)\n  last = y[:, -1]\n  " + kHead},
    {"what_it_returns_whole", "  return torch.linear(y[:, -1], self.head, self.head_bias), y\n"},
    {"what_it_returns_of_it", "  return torch.linear(y[:, -1], self.head, self.head_bias), y[:, 1:3]\n", 3 * kBatch},
    {"what_a_second_layer_reads",
     "  z, k, e = torch.lstm(y, [s, s], [self.u_ih, self.u_hh, self.b_ih, self.b_hh], True, 1, 0.0, False, False, "
     "True)\n"
     "  last = z[:, -1]\n  " +
         kHead},
    {"what_a_second_layer_gets_of_it",
     "  z, k, e = torch.lstm(y[:, 2:5], [s, s], [self.u_ih, self.u_hh, self.b_ih, self.b_hh], True, 1, 0.0, False, "
     "False, True)\n"
     "  last = z[:, -1]\n  " +
         kHead,
     3 * kBatch},
    {"another_step_where_the_state_is_large",
     "  if bool(c.abs().max() > 2.5):\n    last = y[:, 1]\n  else:\n    last = y[:, -1]\n  " + kHead, kBatch},
    {"a_copy_of_all_where_the_state_is_large",
     "  last = y[:, -1]\n  if bool(c.abs().max() > 2.5):\n    last = last + y.sum(1)\n  " + kHead, kBatch},
    {"the_whole_returned_where_the_state_is_large",
     "  z = torch.stack([y[:, -1], y[:, -1]], 1)\n  if bool(c.abs().max() > 2.5):\n    z = y[:, 1:3]\n  return z\n",
     kBatch},
    {"the_step_that_the_state_names",
     "  i = torch.argmax(h[0], 1).view([3, 1, 1]).expand([3, 1, 5])\n  last = torch.gather(y, 1, i)[:, 0]\n  " + kHead},
    {"the_step_that_an_index_names", "  i = torch.argmax(h[0], 1)\n  last = y[torch.arange(3), i]\n  " + kHead},
    {"the_end_of_what_was_packed", "  last = y[-2:]\n  " + kHead, 2, "packed"},
    {"the_last_step_of_what_was_padded",
     "  z, lengths = torch._pad_packed_sequence(y, sizes, True, 0.0, 6)\n  last = z[:, -1]\n  " + kHead, kAll,
     "packed"},
};

INSTANTIATE_TEST_SUITE_P(Forwards, OutputReadsOf, testing::ValuesIn(kForwards),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace heft::test
