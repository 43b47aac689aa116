#include "engine/sites/linear_call.hpp"

#include <ATen/ATen.h>

namespace heft {

std::optional<LinearCall> parseLinearCall(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  const auto& name = op.schema().name();
  const auto arguments = torch::jit::last(stack, op.schema().arguments().size());
  LinearCall call;
  if (name == "aten::linear") {
    if (arguments[2].isTensor()) call.bias_argument = 2;
  } else if (name == "aten::addmm" && arguments[3].toScalar().equal(1) && arguments[4].toScalar().equal(1)) {
    call.bias_argument = 0;
    call.input_argument = 1;
    call.weight_argument = 2;
  } else if (name != "aten::mm" && name != "aten::matmul") {
    return std::nullopt;
  }
  call.input = arguments[static_cast<size_t>(call.input_argument)].toTensor();
  call.weight = arguments[static_cast<size_t>(call.weight_argument)].toTensor();
  if (call.bias_argument >= 0) call.bias = arguments[static_cast<size_t>(call.bias_argument)].toTensor();
  if (call.weight.dim() != 2 || call.input.dim() < 2) return std::nullopt;
  if (name != "aten::linear") call.weight = call.weight.t();
  return call;
}

WeightBlock blockOf(const Model& model, const at::Tensor& weight) {
  WeightBlock block;
  const auto index = parameterOf(model, weight);
  if (index < 0 || weight.dim() != 2) return block;
  const auto& value = model.parameters[static_cast<size_t>(index)].value;
  if (value.dim() != 2 || !value.is_contiguous()) return block;
  const auto columns = value.size(1);
  const auto offset = weight.storage_offset() - value.storage_offset();
  const bool plain =
      (weight.stride(1) == 1 || weight.size(1) == 1) && (weight.stride(0) == columns || weight.size(0) == 1);
  const bool turned =
      (weight.stride(0) == 1 || weight.size(0) == 1) && (weight.stride(1) == columns || weight.size(1) == 1);
  if (!plain && !turned) return block;
  block.parameter = index;
  block.first_row = offset / columns;
  block.first_column = offset % columns;
  block.transposed = !plain;
  return block;
}

int64_t wholeParameter(const Model& model, const at::Tensor& tensor) {
  const auto index = parameterOf(model, tensor);
  if (index < 0) return -1;
  const auto& value = model.parameters[static_cast<size_t>(index)].value;
  const bool whole = tensor.storage_offset() == value.storage_offset() && tensor.sizes() == value.sizes() &&
                     tensor.strides() == value.strides() && value.is_contiguous();
  return whole ? index : -1;
}

}  // namespace heft
