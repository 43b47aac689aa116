#include "engine/forward/weight_call.hpp"

#include <ATen/ATen.h>

namespace heft {
namespace {

bool sameConstant(const at::Tensor& a, const at::Tensor& b) {
  if (a.is_same(b)) return true;
  return a.scalar_type() == b.scalar_type() && a.device() == b.device() && a.sizes() == b.sizes() && at::equal(a, b);
}

/// Arguments that hold no tensor.
bool sameValue(const c10::IValue& a, const c10::IValue& b) {
  if (a.tagKind() != b.tagKind()) return false;
  if (a.isTensor() || a.isTensorList()) return true;  // compared as operands
  if (a.isGenerator() || a.isObject() || a.isCapsule()) return a.is(b);
  return a == b;
}

}  // namespace

ViewForm formOf(const at::Tensor& view, const at::Tensor& base) {
  return {view.sizes().vec(), view.strides().vec(), view.storage_offset() - base.storage_offset()};
}

bool WeightCall::matches(const c10::OperatorHandle& other, const std::vector<c10::IValue>& given,
                         const std::function<bool(const WeightOperand&, const at::Tensor&)>& same) const {
  if (!(op == other) || given.size() != arguments.size()) return false;
  for (size_t i = 0; i < given.size(); ++i) {
    if (!sameValue(arguments[i], given[i])) return false;
  }
  const auto tensors = placedTensors(given);
  if (tensors.size() != operands.size()) return false;
  // What is cheap to compare comes first: constants may be large.
  for (const bool constants : {false, true}) {
    for (size_t i = 0; i < operands.size(); ++i) {
      const auto& operand = operands[i];
      if ((operand.kind == WeightOperand::Kind::constant) != constants) continue;
      if (!(operand.place == tensors[i].first)) return false;
      if (!(constants ? sameConstant(operand.constant, tensors[i].second) : same(operand, tensors[i].second)))
        return false;
    }
  }
  return true;
}

std::vector<at::Tensor> WeightCall::run(const std::function<at::Tensor(const WeightOperand&)>& value) const {
  torch::jit::Stack stack(arguments.begin(), arguments.end());
  for (const auto& operand : operands) {
    replaceTensor(stack[static_cast<size_t>(operand.place.argument)], operand.place.element,
                  [&](const at::Tensor&) { return value(operand); });
  }
  op.callBoxed(&stack);
  std::vector<at::Tensor> all;
  for (const auto& [place, tensor] : placedTensors(stack)) {
    const auto& before = results.empty() ? tensor : results.at(all.size());
    all.push_back(tensor.to(before.scalar_type()).contiguous());
  }
  return all;
}

bool isOperand(const Model& model, const std::vector<WeightCall>& calls, const WeightOperand& operand,
               const at::Tensor& tensor) {
  const auto& base = operand.kind == WeightOperand::Kind::parameter
                         ? model.weights(operand.index).value
                         : calls[static_cast<size_t>(operand.index)].results[operand.result];
  return tensor.has_storage() && tensor.storage().data() == base.storage().data() &&
         formOf(tensor, base) == operand.form;
}

}  // namespace heft
