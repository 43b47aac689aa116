#include "engine/cells/linear_call.hpp"

#include <ATen/ATen.h>

#include <array>
#include <string_view>

namespace heft {

namespace {

/// True when an einsum of these subscripts is "...i,ji->...j": each row of the input times the weight, transposed or not.
bool multipliesRows(std::string_view input, std::string_view weight, std::string_view output, bool& transposed) {
  if (weight.size() != 2 || input.empty() || output.empty() || weight[0] == weight[1]) return false;
  const char read = input.back(), made = output.back();
  transposed = weight[0] == read && weight[1] == made;
  if (!transposed && !(weight[0] == made && weight[1] == read)) return false;
  const auto before = input.substr(0, input.size() - 1);
  return before == output.substr(0, output.size() - 1) && before.find(read) == std::string_view::npos &&
         before.find(made) == std::string_view::npos;
}

std::optional<LinearCall> parseEinsum(const c10::IValue& equation, const c10::IValue& tensors) {
  auto text = equation.toStringRef();
  std::erase(text, ' ');
  const auto arrow = text.find("->");
  const auto comma = text.find(',');
  if (arrow == std::string::npos || comma == std::string::npos || text.find(',', comma + 1) != std::string::npos)
    return std::nullopt;
  const std::array<std::string, 2> given{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1)};
  const auto output = text.substr(arrow + 2);
  const auto list = tensors.toTensorVector();
  if (list.size() != 2) return std::nullopt;
  for (const size_t weight : {1, 0}) {
    bool transposed = false;
    if (!multipliesRows(given[1 - weight], given[weight], output, transposed)) continue;
    LinearCall call;
    call.input = list[1 - weight];
    call.weight = transposed ? list[weight].t() : list[weight];
    call.weight_place = {1, static_cast<int64_t>(weight)};
    if (call.input.dim() >= 2) return call;
  }
  return std::nullopt;
}

}  // namespace

std::optional<LinearCall> parseLinearCall(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  const auto& name = op.schema().name();
  const auto arguments = torch::jit::last(stack, op.schema().arguments().size());
  LinearCall call;
  size_t input = 0;
  if (name == "aten::linear") {
    if (arguments[2].isTensor()) call.bias_place = {2, -1};
    call.weight_place = {1, -1};
  } else if (name == "aten::addmm" && arguments[3].toScalar().equal(1) && arguments[4].toScalar().equal(1)) {
    call.bias_place = {0, -1};
    call.weight_place = {2, -1};
    input = 1;
  } else if (name == "aten::mm" || name == "aten::matmul") {
    call.weight_place = {1, -1};
  } else if (name == "aten::einsum") {
    return parseEinsum(arguments[0], arguments[1]);
  } else {
    return std::nullopt;
  }
  call.input = arguments[input].toTensor();
  call.weight = arguments[static_cast<size_t>(call.weight_place.argument)].toTensor();
  if (call.bias_place.argument >= 0) call.bias = arguments[static_cast<size_t>(call.bias_place.argument)].toTensor();
  if (call.weight.dim() != 2 || call.input.dim() < 2) return std::nullopt;
  if (name != "aten::linear") call.weight = call.weight.t();
  return call;
}

WeightBlock blockOf(const Model& model, const at::Tensor& weight) {
  WeightBlock block;
  const auto index = parameterOf(model, weight);
  if (index < 0 || weight.dim() != 2) return block;
  const auto& value = model.weights(index).value;
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
  const auto& value = model.weights(index).value;
  const bool whole = tensor.storage_offset() == value.storage_offset() && tensor.sizes() == value.sizes() &&
                     tensor.strides() == value.strides() && value.is_contiguous();
  return whole ? index : -1;
}

}  // namespace heft
