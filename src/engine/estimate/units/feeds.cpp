#include <ATen/ATen.h>

#include "engine/estimate/units/tracer.hpp"
#include "engine/forward/operators.hpp"

// How the operators that read parameters feed features with them.

namespace heft {

/// Says how the parameter's weights make features. False, and the parameter is given up, where another operator said otherwise.
bool Tracer::claim(int64_t parameter, UnitAxis axis, int64_t features) {
  auto& own = trace(parameter);
  if (own.axis && (*own.axis != axis || own.meetings.size() != features)) {
    own.valid = false;
    return false;
  }
  if (!own.axis) own.meetings.resize(features);
  own.axis = axis;
  return true;
}

void Tracer::feed(int64_t parameter, UnitAxis axis, int64_t features, const at::Tensor& result,
                  const at::Tensor& label) {
  if (claim(parameter, axis, features)) attach(result, parameter, {label.expand(result.sizes()), true});
}

/// `weight` is [outputs, inputs], `result` [..., outputs].
bool Tracer::feedMatrix(int64_t parameter, const at::Tensor& weight, const at::Tensor& result) {
  const auto& value = model_.weights(parameter).value;
  const auto block = blockOf(model_, weight);
  if (block.transposed) {
    feed(parameter, UnitAxis::columns, value.size(1), result,
         at::arange(block.first_column, block.first_column + weight.size(0), at::kLong));
    return true;
  }
  const auto rows = rowsOf(parameter, weight);
  if (!rows.defined()) return false;
  feed(parameter, UnitAxis::rows, value.numel() / value.size(-1), result, rows);
  return true;
}

/// The row of the parameter (all its dimensions but the last) that each row of a view of it is; undefined where the
/// view's last dimension does not run along the parameter's.
at::Tensor Tracer::rowsOf(int64_t parameter, const at::Tensor& view) const {
  const auto& value = model_.weights(parameter).value;
  if (value.dim() < 2 || view.dim() < 2 || !value.is_contiguous() || view.numel() == 0) return {};
  const auto row = elementsOf(parameter, view).div(value.size(-1), "floor");
  const auto first = row.select(-1, 0);
  const bool along = view.size(-1) == 1 || view.stride(-1) == 1;
  return along && row.eq(first.unsqueeze(-1)).all().item<bool>() ? first : at::Tensor();
}

/// The weight's last dimension is summed over; its others stand in the result under the letters that it has there.
bool Tracer::feedEinsum(const std::string& equation, int64_t parameter, const ArgumentPlace& place,
                        const at::Tensor& view, const at::Tensor& result) {
  std::string text = equation;
  std::erase(text, ' ');
  const auto arrow = text.find("->");
  if (arrow == std::string::npos || text.find('.') != std::string::npos || place.element < 0) return false;
  std::vector<std::string> given(1);
  for (const char letter : text.substr(0, arrow)) {
    if (letter == ',')
      given.emplace_back();
    else
      given.back() += letter;
  }
  const auto output = text.substr(arrow + 2);
  const auto& weight = given.at(static_cast<size_t>(place.element));
  if (static_cast<int64_t>(weight.size()) != view.dim() || view.dim() < 2) return false;
  if (output.find(weight.back()) != std::string::npos) return false;
  const auto rows = rowsOf(parameter, view);
  if (!rows.defined()) return false;
  std::vector<int64_t> order, shape;
  for (size_t i = 0; i < output.size(); ++i) {
    const auto at = weight.find(output[i]);
    if (at != std::string::npos) order.push_back(static_cast<int64_t>(at));
    shape.push_back(at == std::string::npos ? 1 : result.size(static_cast<int64_t>(i)));
  }
  if (order.size() + 1 != weight.size()) return false;
  const auto& value = model_.weights(parameter).value;
  feed(parameter, UnitAxis::rows, value.numel() / value.size(-1), result, rows.permute(order).reshape(shape));
  return true;
}

bool Tracer::start(const Call& call, int64_t parameter, const std::vector<ArgumentPlace>& starts) {
  if (starts.size() != 1 || call.results.size() != 1 || !call.results[0].isTensor()) return false;
  const auto argument = starts[0].argument;
  const auto view = tensorAt(call.arguments, starts[0]);
  const auto& value = model_.weights(parameter).value;
  const auto& result = call.results[0].toTensor();
  const auto name = plainName(call.op);
  /// The elements of a vector, running along dimension `dim` of the result.
  const auto feedAlong = [&](int64_t dim) {
    const auto label = elementsOf(parameter, view);
    if (!label.defined() || view.dim() != 1 || view.size(0) != result.size(dim)) return false;
    std::vector<int64_t> shape(static_cast<size_t>(result.dim()), 1);
    shape[static_cast<size_t>(dim)] = view.size(0);
    feed(parameter, UnitAxis::elements, value.numel(), result, label.view(shape));
    return true;
  };
  if (const auto linear = parseLinearCall(call.op, call.arguments)) {
    if (starts[0] == linear->bias_place) return feedAlong(result.dim() - 1);
    if (starts[0] != linear->weight_place) return false;
    if (linear->weight.size(0) != result.size(-1)) return false;
    return feedMatrix(parameter, linear->weight, result);
  }
  if (name == "einsum") return feedEinsum(call.arguments[0].toStringRef(), parameter, starts[0], view, result);
  const bool traced_convolution =
      (name == "_convolution" || name == "convolution") && !call.arguments[6].toBool();  // not a transposed one
  if (name == "conv1d" || name == "conv2d" || name == "conv3d" || traced_convolution) {
    const auto dim = result.dim() == call.arguments[1].toTensor().dim() ? 1 : 0;
    if (argument == 2) return feedAlong(dim);
    if (argument != 1 || wholeParameter(model_, view) < 0) return false;
    std::vector<int64_t> shape(static_cast<size_t>(result.dim()), 1);
    shape[static_cast<size_t>(dim)] = view.size(0);
    feed(parameter, UnitAxis::rows, view.size(0), result, at::arange(view.size(0), at::kLong).view(shape));
    return true;
  }
  if (name == "embedding" && argument == 0 && wholeParameter(model_, view) >= 0) {
    const auto tokens = call.arguments[1].toTensor().to(at::kCPU, at::kLong).contiguous();
    trace(parameter).tokens.insert(tokens.const_data_ptr<int64_t>(), tokens.const_data_ptr<int64_t>() + tokens.numel());
    feed(parameter, UnitAxis::columns, view.size(1), result, at::arange(view.size(1), at::kLong));
    return true;
  }
  if (name == "layer_norm" && (argument == 2 || argument == 3)) {
    const auto label = elementsOf(parameter, view);
    if (!label.defined()) return false;
    feed(parameter, UnitAxis::elements, value.numel(), result, label);
    return true;
  }
  if (name == "prelu" && argument == 1 && view.dim() == 1) {
    if (view.size(0) > 1) return feedAlong(1);
    feed(parameter, UnitAxis::elements, value.numel(), result, elementsOf(parameter, view));
    return true;
  }
  if ((name == "batch_norm" || name == "instance_norm") && (argument == 1 || argument == 2)) return feedAlong(1);
  if (name == "group_norm" && (argument == 2 || argument == 3)) return feedAlong(1);
  return false;
}

}  // namespace heft
