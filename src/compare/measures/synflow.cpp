#include "compare/measures/synflow.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numeric>

#include "engine/execute/change_scope.hpp"
#include "engine/forward/variant.hpp"
#include "measure/estimate/no_estimate.hpp"
#include "measure/session/session.hpp"

namespace heft {
namespace {

/// What the sizes of all weights would be: the model without its signs.
Variant withoutSigns(const Model& model) {
  Variant variant;
  for (size_t p = 0; p < model.parameters.size(); ++p) {
    const auto flat = model.parameters[p].value.detach().to(at::kCPU, at::kDouble).reshape({-1}).contiguous();
    Change change{static_cast<int64_t>(p), std::vector<int64_t>(static_cast<size_t>(flat.numel())), {}};
    std::iota(change.index.begin(), change.index.end(), 0);
    for (int64_t i = 0; i < flat.numel(); ++i) change.value.push_back(std::abs(flat.const_data_ptr<double>()[i]));
    variant.changes.push_back(std::move(change));
  }
  return variant;
}

/// The same values with ones in place of real numbers; tokens, masks and lengths stay what they are.
std::vector<c10::IValue> onesFor(const std::vector<c10::IValue>& values) {
  std::vector<c10::IValue> ones;
  for (const auto& value : values) {
    auto copy = cloneValue(value);
    copy.visit([](const c10::IValue& one) {
      if (one.isTensor() && one.toTensor().defined() && one.toTensor().is_floating_point()) one.toTensor().fill_(1);
      return false;
    });
    ones.push_back(std::move(copy));
  }
  return ones;
}

/// Parameters ask for gradients while it lives.
class GradientScope {
 public:
  explicit GradientScope(const Model& model) {
    for (const auto& parameter : model.parameters) {
      asked_.push_back(parameter.value.requires_grad());
      leaves_.push_back(parameter.value);
      if (parameter.value.is_leaf()) leaves_.back().set_requires_grad(true);
    }
  }
  ~GradientScope() {
    for (size_t p = 0; p < leaves_.size(); ++p) {
      if (leaves_[p].is_leaf()) leaves_[p].set_requires_grad(asked_[p]);
    }
  }
  GradientScope(const GradientScope&) = delete;
  GradientScope& operator=(const GradientScope&) = delete;

  [[nodiscard]] const std::vector<at::Tensor>& leaves() const { return leaves_; }

 private:
  std::vector<at::Tensor> leaves_;
  std::vector<bool> asked_;
};

std::vector<at::Tensor> gradients(Session& session) {
  auto& runner = session.runner();
  const GradientScope scope(session.model());
  const at::AutoGradMode with_graph(true);
  PlainHandler handler(session.model());
  const auto flow = session.layout().table(runner.run(handler, onesFor(runner.inputs().values))).sum();
  auto all = torch::autograd::grad({flow}, scope.leaves(), {}, /*retain_graph=*/false, /*create_graph=*/false,
                                   /*allow_unused=*/true);
  runner.restoreState();
  return all;
}

}  // namespace

WeightScores synflowScores(Session& session) {
  const ChangeScope changed(session.model(), withoutSigns(session.model()));
  const auto moves = orNoEstimate([&] { return gradients(session); });
  WeightScores scores;
  for (size_t p = 0; p < moves.size(); ++p) {
    const auto weights = session.model().parameters[p].value.detach().to(at::kCPU, at::kDouble).reshape({-1});
    auto& own = scores.emplace_back(static_cast<size_t>(weights.numel()), 0.0f);
    if (!moves[p].defined()) continue;
    const auto score = (weights * moves[p].to(at::kCPU, at::kDouble).reshape({-1})).abs().to(at::kFloat).contiguous();
    std::copy_n(score.const_data_ptr<float>(), score.numel(), own.begin());
  }
  return scores;
}

}  // namespace heft
