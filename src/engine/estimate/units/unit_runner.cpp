#include "engine/estimate/units/unit_runner.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "engine/estimate/units/norm_exit.hpp"
#include "engine/execute/variants/activation_size.hpp"
#include "engine/execute/variants/batch_handler.hpp"
#include "engine/forward/operators.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr int64_t kMemory = int64_t{1} << 30;  ///< bytes that a run's changed activations may take, about
constexpr int64_t kMostVariants = 64;          ///< more gain little and leave the caches

/// Ends a run whose exits have all been passed: no error.
struct AllLeft {};

/// A batch whose first variant is the baseline: what leaves a unit is put back to it.
class UnitHandler : public BatchHandler {
 public:
  UnitHandler(Model& model, std::span<const Variant> variants, const VmapLevel& level, const UnitPlan& plan,
              const UnitParameter& units)
      : BatchHandler(model, variants, level, kMemory), level_(level), variants_(level.variants()) {
    for (const auto& exit : units.exits) exits_.emplace(plan.exits[exit.index], at::Tensor());
  }

  /// Exits through forward's outputs.
  void takeOutputs(const std::vector<NamedOutput>& outputs) {
    for (auto& [point, change] : exits_) {
      if (point.call != ExitPoint::kOutput) continue;
      const auto& output = outputs.at(static_cast<size_t>(point.argument)).value;
      const auto values = valuesOf(output);
      const BelowVmap plain;
      change = changesOf(values).reshape({variants_ - 1, -1});
    }
  }

  /// [variants but the first, positions].
  [[nodiscard]] at::Tensor changes(const UnitPlan& plan, const UnitParameter& units) const {
    std::vector<at::Tensor> parts;
    for (const auto& exit : units.exits) {
      const auto& change = exits_.at(plan.exits[exit.index]);
      if (!change.defined() || change.size(1) != exit.unit.numel())
        throw Error(Fault::unsupported, "forward took another way than in the run that its units were found in");
      parts.push_back(change);
    }
    return at::cat(parts, 1);
  }

 protected:
  bool answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) override {
    const auto count = op.schema().arguments().size();
    bool answered = false;
    auto exit = exits_.lower_bound(ExitPoint{call_, 0, -1});
    for (; exit != exits_.end() && exit->first.call == call_; ++exit) {
      auto& argument = stack[stack.size() - count + static_cast<size_t>(exit->first.argument)];
      if (exit->first.norm) {
        passNorm(count, stack, exit->second);
        answered = true;
      } else {
        replaceTensor(argument, exit->first.element,
                      [&, &change = exit->second](const at::Tensor& tensor) { return leave(tensor, change); });
      }
      ++left_;
    }
    if (left_ == exits_.size()) throw AllLeft();
    ++call_;
    if (answered) return true;
    if (reachOf(op, stack) == Reach::mixing) refuseMoved(op, stack);
    return BatchHandler::answer(op, stack);
  }

 private:
  at::Tensor changesOf(const at::Tensor& values) const {
    return values.narrow(0, 1, variants_ - 1) - values.narrow(0, 0, 1);
  }

  /// What `value` is in the baseline; its changes, flat, go to `change`.
  at::Tensor leave(const at::Tensor& value, at::Tensor& change) {
    const BelowVmap plain;
    if (!moves(value)) {
      change = at::zeros({variants_ - 1, value.numel()}, at::TensorOptions(value.device()).dtype(at::kDouble));
      return value;
    }
    const auto values = spread(value);
    change = at::isFloatingType(values.scalar_type())
                 ? changesOf(values).reshape({variants_ - 1, -1})
                 : at::zeros({variants_ - 1, values.numel() / variants_},
                             at::TensorOptions(values.device()).dtype(at::kDouble));
    return values.select(0, 0).clone();
  }

  /// Answers a layer norm, position by position.
  void passNorm(size_t count, torch::jit::Stack& stack, at::Tensor& change) {
    auto arguments = torch::jit::last(stack, count).vec();
    const auto values = valuesOf(arguments[0].toTensor());
    const BelowVmap plain;
    arguments[0] = values.select(0, 0).clone();
    const NormExit norm(arguments);
    change = norm.coefficients(changesOf(values));
    const auto results = norm.results(values - values.narrow(0, 0, 1));
    torch::jit::drop(stack, count);
    torch::jit::push(stack, level_.wrap(results));
  }

  /// Whatever mixes positions must see the baseline alone, but for the parameter that it reads.
  void refuseMoved(const c10::OperatorHandle& op, const torch::jit::Stack& stack) const {
    const auto differs = [&](const at::Tensor& tensor) {
      return tensor.defined() && moves(tensor) && changedParameter(tensor) < 0;
    };
    for (const auto& value : torch::jit::last(stack, op.schema().arguments().size())) {
      bool any = value.isTensor() && differs(value.toTensor());
      if (value.isTensorList()) {
        for (const auto& one : value.toTensorVector()) any |= differs(one);
      }
      if (any) throw Error(Fault::unsupported, op.schema().name() + " would mix the changes of several units");
    }
  }

  const VmapLevel& level_;
  int64_t variants_;
  int64_t call_ = 0;
  size_t left_ = 0;                        ///< exits passed
  std::map<ExitPoint, at::Tensor> exits_;  ///< [variants but the first, positions], once passed
};

/// The same weights as `variant`, unchanged.
Variant unchanged(const Model& model, const Variant& variant) {
  auto same = variant;
  for (auto& change : same.changes) {
    const auto values = model.weights(change.parameter).value.detach().to(at::kCPU, at::kDouble);
    const auto flat = values.contiguous();
    for (size_t i = 0; i < change.index.size(); ++i) change.value[i] = flat.const_data_ptr<double>()[change.index[i]];
  }
  return same;
}

}  // namespace

UnitRunner::UnitRunner(Runner& runner, const UnitPlan& plan) : runner_(runner), plan_(plan) {}

int64_t UnitRunner::most(const UnitParameter& units) {
  if (bytes_ == 0) {
    ActivationSize size(runner_.model());
    runner_.run(size);
    bytes_ = std::max<int64_t>(1, size.bytes());
  }
  int64_t positions = 0;
  for (const auto& exit : units.exits) positions += exit.unit.numel();
  // Changes at the exits are held to the end of a run: twice in float64 while they are joined, once more as floats.
  const auto bytes = bytes_ + positions * int64_t{2 * sizeof(double) + sizeof(float)};
  return std::clamp<int64_t>(kMemory / bytes, 1, kMostVariants);
}

at::Tensor UnitRunner::run(const UnitParameter& units, std::span<const Variant> variants) {
  const at::NoGradGuard no_grad;
  std::vector<Variant> all{unchanged(runner_.model(), variants[0])};
  all.insert(all.end(), variants.begin(), variants.end());
  at::Tensor changes;
  {
    const VmapLevel level(static_cast<int64_t>(all.size()));
    UnitHandler handler(runner_.model(), all, level, plan_, units);
    try {
      const auto outputs = runner_.run(handler);
      handler.takeOutputs(outputs);
    } catch (const AllLeft&) {
      // The rest of forward would run as in the baseline.
    } catch (...) {
      runner_.restoreState();  // batched tensors mean nothing once the level is gone
      throw;
    }
    const BelowVmap plain;
    changes = handler.changes(plan_, units);
  }
  runner_.restoreState();
  return changes;
}

}  // namespace heft
