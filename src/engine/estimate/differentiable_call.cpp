#include "engine/estimate/differentiable_call.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/functions/basic_ops.h>

#include <algorithm>
#include <vector>

#include "data/memory.hpp"
#include "engine/forward/operators.hpp"

namespace heft {
namespace {

thread_local GraphScope* current_scope = nullptr;

bool needsGradient(const std::vector<c10::IValue>& arguments) {
  bool any = false;
  for (const auto& one : arguments) eachTensor(one, [&](const at::Tensor& tensor) { any |= tensor.requires_grad(); });
  return any;
}

/// Each of several views of one tensor, by an operator of its own: autograd forbids writing into views that were made together.
void separateViews(const c10::OperatorHandle& op, const std::vector<c10::IValue>& given, torch::jit::Stack& stack) {
  const auto& returns = op.schema().returns();
  if (returns.size() != 1 || returns[0].type()->kind() != c10::TypeKind::ListType || given.empty()) return;
  if (!given[0].isTensor() || !stack.back().isTensorList()) return;
  const auto& base = given[0].toTensor();
  auto views = stack.back().toTensorVector();
  for (auto& view : views) {
    if (!view.is_alias_of(base)) return;
    const auto offset = view.storage_offset() - base.storage_offset();
    at::Tensor alone;
    for (int64_t dim = 0; dim < base.dim() && !alone.defined(); ++dim) {
      const auto stride = std::max<int64_t>(base.stride(dim), 1);
      const bool removed = view.dim() + 1 == base.dim();
      const auto size = removed ? 1 : view.dim() == base.dim() ? view.size(dim) : -1;
      const auto start = offset / stride;
      if (size < 0 || start < 0 || start + size > base.size(dim)) continue;
      const auto part = removed ? base.select(dim, start) : base.narrow(dim, start, size);
      const bool same = part.sizes() == view.sizes() && part.strides() == view.strides() &&
                        part.storage_offset() == view.storage_offset();
      if (same) alone = part;
    }
    if (!alone.defined()) return;
    view = alone;
  }
  stack.back() = c10::IValue(views);
}

/// Whether the operator's own derivative can be taken, tried on copies of what it is given.
bool goesBack(const c10::OperatorHandle& op, const std::vector<c10::IValue>& given) {
  std::vector<at::Tensor> leaves;
  const auto copy = [&](const at::Tensor& tensor) {
    if (!tensor.defined() || !tensor.requires_grad()) return tensor;
    leaves.push_back(tensor.detach().clone().requires_grad_(true));
    return writesArguments(op) ? leaves.back().clone() : leaves.back();  // what is written to may be no leaf
  };
  torch::jit::Stack trial;
  for (const auto& one : given) {
    if (one.isTensor()) {
      trial.emplace_back(copy(one.toTensor()));
    } else if (one.isTensorList()) {
      auto list = one.toTensorVector();
      for (auto& tensor : list) tensor = copy(tensor);
      trial.emplace_back(list);
    } else {
      trial.push_back(one);
    }
  }
  try {
    op.callBoxed(trial);
    std::vector<at::Tensor> outputs, ones;
    for (const auto& one : trial) {
      eachTensor(one, [&](const at::Tensor& tensor) {
        if (!tensor.requires_grad()) return;
        outputs.push_back(tensor);
        ones.push_back(at::ones_like(tensor));
      });
    }
    if (!outputs.empty() && !leaves.empty())
      (void)torch::autograd::grad(outputs, leaves, ones, /*retain_graph=*/false, /*create_graph=*/false,
                                  /*allow_unused=*/true);
    return true;
  } catch (const std::exception& error) {
    if (saysOutOfMemory(error.what())) throw;
    return false;
  }
}

/// Results whose derivative would only throw become constants.
void cutAtMissingDerivatives(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (writesArguments(op)) return;
  const auto count = op.schema().returns().size();
  for (size_t i = stack.size() - count; i < stack.size(); ++i) {
    if (!stack[i].isTensor() || !stack[i].toTensor().defined()) continue;
    const auto& made_by = stack[i].toTensor().grad_fn();
    if (dynamic_cast<torch::autograd::Error*>(made_by.get()) == nullptr) continue;
    stack[i] = stack[i].toTensor().detach();
    GraphScope::addCut(op.schema().name());
  }
}

}  // namespace

void writeDifferentiably(const at::Tensor& out, const at::Tensor& value) {
  try {
    out.copy_(value);
  } catch (const std::exception& error) {
    if (saysOutOfMemory(error.what())) throw;
    const at::NoGradGuard no_grad;
    out.copy_(value);
    GraphScope::lose();
  }
}

GraphScope::GraphScope(GraphMode mode) : mode_(mode), before_(current_scope) { current_scope = this; }

GraphScope::~GraphScope() { current_scope = before_; }

GraphMode GraphScope::current() { return current_scope == nullptr ? GraphMode::plain : current_scope->mode_; }

void GraphScope::lose() {
  if (current_scope != nullptr) current_scope->lost_ = true;
}

void GraphScope::addCut(const std::string& name) {
  if (current_scope != nullptr) current_scope->cut_.insert(name);
}

void callDifferentiably(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const bool tested = GraphScope::current() == GraphMode::tested;
  const auto count = op.schema().arguments().size();
  const auto below = stack.size() - count;
  const auto given = torch::jit::last(stack, count).vec();
  if (!at::GradMode::is_enabled() || !needsGradient(given)) {
    op.callBoxed(stack);
    if (tested) separateViews(op, given, stack);
    return;
  }
  try {
    if (tested && !goesBack(op, given)) {
      const at::NoGradGuard no_grad;
      op.callBoxed(stack);
      GraphScope::addCut(op.schema().name());
      return;
    }
    op.callBoxed(stack);
    if (tested) separateViews(op, given, stack);
    cutAtMissingDerivatives(op, stack);
  } catch (const std::exception& error) {
    if (saysOutOfMemory(error.what())) throw;
    stack.resize(below);
    stack.insert(stack.end(), given.begin(), given.end());
    const at::NoGradGuard no_grad;
    op.callBoxed(stack);
    GraphScope::lose();
    GraphScope::addCut(op.schema().name());
  }
}

}  // namespace heft
