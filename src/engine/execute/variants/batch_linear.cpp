#include <ATen/ATen.h>

#include "engine/cells/linear_call.hpp"
#include "engine/execute/variants/batch_handler.hpp"

namespace heft {

std::optional<WeightDelta> BatchHandler::matrixDelta(const at::Tensor& weight) {
  const auto parameter = changedParameter(weight);
  if (parameter < 0) return std::nullopt;
  const auto& value = model_.weights(parameter).value;
  if (isWhole(weight, parameter)) return deltaFor(parameter);
  if (value.dim() == 2 && weight.dim() == 2 && isWhole(weight.t(), parameter)) return deltaFor(parameter).transposed();
  return std::nullopt;
}

bool BatchHandler::answerLinear(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto count = op.schema().arguments().size();
  const auto call = parseLinearCall(op, stack);
  if (!call) return false;
  const auto& [input, weight, bias] = std::tie(call->input, call->weight, call->bias);
  if (isBatched(weight) || (bias.defined() && isBatched(bias))) return false;
  const auto shape = input.sizes().vec();  // without the variants

  const BelowVmap plain;
  const auto weight_delta = matrixDelta(weight);
  if (changedParameter(weight) >= 0 && !weight_delta) return false;
  std::optional<WeightDelta> bias_delta;
  if (bias.defined()) {
    const auto parameter = changedParameter(bias);
    if (bias.dim() != 1 || (parameter >= 0 && !isWhole(bias, parameter))) return false;
    if (parameter >= 0) bias_delta = deltaFor(parameter);
  }

  const auto variants = level_.variants();
  const auto points = c10::multiply_integers(shape.begin(), shape.end() - 1);
  const auto outputs = weight.size(0);
  const bool many = moves(input);
  const auto read = spread(input).reshape({many ? variants : 1, points, shape.back()});
  auto output = at::linear(read.flatten(0, 1), weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt)
                    .view({read.size(0), points, outputs});
  if (!many) output = output.repeat({variants, 1, 1});
  if (weight_delta) weight_delta->addProduct(output, read);
  if (bias_delta) bias_delta->addBias(output);

  auto result = shape;
  result.back() = outputs;
  result.insert(result.begin(), variants);
  torch::jit::drop(stack, count);
  torch::jit::push(stack, level_.wrap(output.view(result)));
  return true;
}

bool BatchHandler::answerEmbedding(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (op.schema().name() != "aten::embedding") return false;
  const auto count = op.schema().arguments().size();
  const auto weight = torch::jit::peek(stack, 0, count).toTensor();
  const auto tokens = torch::jit::peek(stack, 1, count).toTensor();
  if (isBatched(weight)) return false;
  const auto parameter = changedParameter(weight);
  if (parameter >= 0 && !isWhole(weight, parameter)) return false;
  const auto shape = tokens.sizes().vec();

  const BelowVmap plain;
  const bool many = moves(tokens);
  const auto variants = level_.variants();
  const auto read = spread(tokens).reshape({many ? variants : 1, -1});
  if (parameter >= 0) {
    // Finding the changed rows among the tokens takes [variants, tokens, changed rows]; beyond that, copies.
    const auto rows = deltaFor(parameter).changedRows();
    if (variants * read.size(1) * rows * int64_t{16} > memory_) return false;
  }
  auto output = at::embedding(weight, read);
  if (!many) output = output.repeat({variants, 1, 1});
  if (parameter >= 0) deltaFor(parameter).addRows(output, read);

  auto result = shape;
  result.push_back(weight.size(1));
  result.insert(result.begin(), variants);
  torch::jit::drop(stack, count);
  torch::jit::push(stack, level_.wrap(output.view(result)));
  return true;
}

}  // namespace heft
