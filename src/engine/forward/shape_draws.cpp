#include "engine/forward/shape_draws.hpp"

#include <ATen/ATen.h>

#include <set>

#include "engine/forward/operators.hpp"
#include "engine/forward/vmap.hpp"

namespace heft {
namespace {

/// In place, and what stood there before has no part in the result.
bool fills(const c10::OperatorHandle& op) {
  static const std::set<std::string> names{"aten::uniform_",     "aten::normal_",    "aten::random_",
                                           "aten::exponential_", "aten::geometric_", "aten::cauchy_",
                                           "aten::log_normal_"};
  const auto& schema = op.schema();
  return names.contains(schema.name()) || (schema.name() == "aten::bernoulli_" && schema.overload_name() == "float");
}

/// Multiplies by a mask: "aten::dropout", "aten::feature_dropout" and their forms in place.
bool masks(const c10::OperatorHandle& op) {
  const auto name = plainName(op);
  return op.schema().name().starts_with("aten::") && (name == "dropout" || name == "feature_dropout");
}

c10::OperatorHandle operatorCalled(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
}

/// A plain tensor of the shape of argument `argument`, laid out as in the first run.
at::Tensor blankFor(const at::Tensor& like, size_t argument, double value, const RandomDraws::Turn& turn,
                    bool as_float) {
  const bool small = as_float && like.scalar_type() == at::kDouble;
  const auto options = at::TensorOptions(like.device()).dtype(small ? at::kFloat : like.scalar_type());
  return turn.copyOf(at::full(like.sizes(), value, options), argument);
}

/// mean + deviation z, either of which may be a tensor.
ShapeDraw drawNormal(const c10::OperatorHandle& op, torch::jit::Stack& stack, const RandomDraws::Turn& turn,
                     bool as_float) {
  const auto count = op.schema().arguments().size();
  auto arguments = torch::jit::last(stack, count).vec();
  const auto& tensor = arguments[arguments[0].isTensor() ? 0 : 1].toTensor();
  const auto options = at::TensorOptions(tensor.device()).dtype(tensor.scalar_type());
  std::vector<at::Tensor> given;
  {
    const BelowVmap plain;
    for (size_t i = 0; i < 2; ++i) {
      const double standard = i == 0 ? 0 : 1;
      given.push_back(arguments[i].isTensor() ? arguments[i].toTensor()
                                              : at::scalar_tensor(arguments[i].toScalar(), options));
      arguments[i] = arguments[i].isTensor() ? c10::IValue(blankFor(given[i], i, standard, turn, as_float))
                                             : c10::IValue(standard);
    }
    turn.call(op, arguments);
  }
  torch::jit::drop(stack, count);
  torch::jit::push(stack, given[0], given[1], arguments[0].toTensor().to(tensor.scalar_type()), 1);
  return {false, operatorCalled("aten::addcmul", ""), false};
}

/// What is drawn are whole numbers, by chances in its first tensor, which the model itself has in float32.
bool drawsWholeNumbers(const c10::OperatorHandle& op) {
  const auto& name = op.schema().name();
  return !writesArguments(op) && (name == "aten::bernoulli" || name == "aten::multinomial" || name == "aten::poisson");
}

}  // namespace

ShapeDraw drawByShape(const c10::OperatorHandle& op, torch::jit::Stack& stack, const RandomDraws::Turn& turn,
                      bool as_float) {
  const auto count = op.schema().arguments().size();
  const auto& schema = op.schema();
  if (schema.name() == "aten::normal" && schema.overload_name().find("Tensor") != std::string::npos && count < 4)
    return drawNormal(op, stack, turn, as_float);
  if (drawsWholeNumbers(op) && as_float) {
    auto& chances = torch::jit::peek(stack, 0, count);
    if (chances.isTensor() && chances.toTensor().scalar_type() == at::kDouble)
      chances = chances.toTensor().to(at::kFloat);
    return {false, std::nullopt, true};
  }
  const bool like = schema.name().ends_with("_like") && !writesArguments(op);
  if (!like && !fills(op) && !masks(op)) return {};
  auto arguments = torch::jit::last(stack, count).vec();
  if (!arguments[0].isTensor() || !arguments[0].toTensor().defined()) return {};
  const auto given = arguments[0].toTensor();
  {
    const BelowVmap plain;
    arguments[0] = blankFor(given, 0, 1, turn, as_float);
    turn.call(op, arguments);
  }
  const auto drawn = arguments[0].toTensor();
  torch::jit::drop(stack, count);
  if (like) {
    torch::jit::push(stack, drawn);
    return {true, std::nullopt, false};
  }
  if (fills(op)) {
    torch::jit::push(stack, given, drawn, false);
    return {false, operatorCalled("aten::copy_", ""), false};
  }
  torch::jit::push(stack, given, drawn.to(given.scalar_type()));
  const bool in_place = writesArguments(op);
  return {false, operatorCalled(in_place ? "aten::mul_" : "aten::mul", "Tensor"), false};
}

}  // namespace heft
