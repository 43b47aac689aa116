#include "engine/estimate/units/tracer.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "data/memory.hpp"
#include "engine/forward/operators.hpp"

namespace heft {
namespace {

/// True when both read the same memory in the same way.
bool sameView(const at::Tensor& a, const at::Tensor& b) {
  return a.const_data_ptr() == b.const_data_ptr() && a.sizes() == b.sizes() && a.strides() == b.strides();
}

}  // namespace

at::Tensor tensorAt(const std::vector<c10::IValue>& arguments, const ArgumentPlace& place) {
  const auto& value = arguments[static_cast<size_t>(place.argument)];
  return place.element < 0 ? value.toTensor() : value.toTensorVector()[static_cast<size_t>(place.element)];
}

bool distinctInRows(const at::Tensor& feature, int64_t row) {
  const auto sorted = std::get<0>(feature.reshape({-1, row}).sort(1));
  const auto next = sorted.slice(1, 1);
  return !next.eq(sorted.slice(1, 0, -1)).logical_and(next.ge(0)).any().item<bool>();
}

bool Tracer::answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto count = op.schema().arguments().size();
  Call call{op, calls_++, torch::jit::last(stack, count).vec(), {}};
  op.callBoxed(stack);
  if (!model_.native) model_.promoter.results(op, stack);
  call.results = torch::jit::last(stack, op.schema().returns().size()).vec();

  std::map<int64_t, std::vector<Operand>> operands;
  std::map<int64_t, std::vector<ArgumentPlace>> starts;
  for (const auto& [place, tensor] : placedTensors(call.arguments)) {
    const auto found = known_.find(tensor.unsafeGetTensorImpl());
    if (found != known_.end()) {
      for (const auto& [parameter, label] : found->second.labels) operands[parameter].push_back({place, tensor, label});
    }
    const auto parameter = parameterOf(model_, tensor);
    if (parameter >= 0) starts[parameter].push_back(place);
  }
  for (const auto& [parameter, places] : starts) operands[parameter];
  for (const auto& [parameter, some] : operands) {
    if (!trace(parameter).valid) continue;
    try {
      step(call, parameter, some, starts[parameter]);
    } catch (const c10::Error& error) {
      if (saysOutOfMemory(error.what())) throw;
      trace(parameter).valid = false;  // an operator that doesn't take labels in place of values
    }
  }
  return true;
}

at::Tensor Tracer::elementsOf(int64_t parameter, const at::Tensor& view) const {
  const auto& value = model_.weights(parameter).value;
  if (!value.is_contiguous()) return {};
  return at::arange(value.numel(), at::kLong)
      .as_strided(view.sizes(), view.strides(), view.storage_offset() - value.storage_offset())
      .contiguous();
}

void Tracer::attach(const at::Tensor& tensor, int64_t parameter, Label label) {
  auto& known = known_[tensor.unsafeGetTensorImpl()];
  known.tensor = tensor;
  known.labels[parameter] = std::move(label);
}

void Tracer::step(const Call& call, int64_t parameter, const std::vector<Operand>& operands,
                  const std::vector<ArgumentPlace>& starts) {
  if (!starts.empty()) {
    // A view of a parameter is still the parameter; whoever reads it will be looked at.
    const auto still = [&](const std::pair<ArgumentPlace, at::Tensor>& one) {
      return parameterOf(model_, one.second) == parameter;
    };
    const auto results = placedTensors(call.results);
    if (operands.empty() && !results.empty() && std::all_of(results.begin(), results.end(), still)) {
      trace(parameter).valid &= !writesArgument(call.op, 0);
      return;
    }
    if (results.empty()) return;  // a size
  }
  // Weights that run along one dimension, whatever the operator's reach.
  const auto name = plainName(call.op);
  const bool own_rule = !starts.empty() && (name == "batch_norm" || name == "prelu");
  const auto reach = own_rule ? Reach::mixing : reachOf(call.op, call.arguments);
  if (reach != Reach::mixing) {
    auto all = operands;
    for (const auto& place : starts) {
      const auto tensor = tensorAt(call.arguments, place);
      const auto label = elementsOf(parameter, tensor);
      if (!label.defined()) {
        trace(parameter).valid = false;
        return;
      }
      const auto features = model_.weights(parameter).value.numel();
      if (!claim(parameter, UnitAxis::elements, features)) return;
      all.push_back({place, tensor, {label, true}, true});
    }
    const bool done =
        reach == Reach::pointwise ? stepPointwise(call, parameter, all) : stepPositional(call, parameter, all);
    if (done) return;
    if (!starts.empty()) {
      trace(parameter).valid = false;
      return;
    }
  } else if (!starts.empty()) {
    if (!start(call, parameter, starts)) {
      trace(parameter).valid = false;
      return;
    }
  } else if (stepNorm(call, parameter, operands)) {
    return;
  }
  leave(call, parameter, operands);
}

bool Tracer::stepPointwise(const Call& call, int64_t parameter, const std::vector<Operand>& operands) {
  if (call.results.size() != 1 || !call.results[0].isTensor()) return false;
  const auto& result = call.results[0].toTensor();
  const bool in_place = writesArgument(call.op, 0);
  // What is written to must be known under one name alone: other views of it would not know that it moves now.
  if (in_place && operands[0].place.argument != 0 && result.storage().use_count() > 1) return false;
  // A weight that is spread over positions feeds them all; features that are spread over others would meet them all.
  const auto fits = [&](const Operand& one) { return one.weights || one.tensor.sizes() == result.sizes(); };
  if (operands.size() > 1 && !std::all_of(operands.begin(), operands.end(), fits)) return false;
  auto& own = trace(parameter);
  Label label{operands[0].label.feature.expand(result.sizes()), operands[0].label.pure};
  for (size_t i = 1; i < operands.size(); ++i) {
    const auto other = operands[i].label.feature.expand(result.sizes());
    label.pure &= operands[i].label.pure;
    if (sameView(label.feature, other)) continue;
    const auto some = label.feature.contiguous(), others = other.contiguous();
    const auto* a = some.const_data_ptr<int64_t>();
    const auto* b = others.const_data_ptr<int64_t>();
    bool missing = false;
    for (int64_t position = 0; position < some.numel(); ++position) {
      missing |= a[position] < 0 && b[position] >= 0;
      if (a[position] < 0 || b[position] < 0 || a[position] == b[position]) continue;
      own.meetings.join(a[position], b[position]);
      label.pure = false;
    }
    if (in_place && missing) return false;
    if (missing) label.feature = at::where(label.feature.ge(0), label.feature, other);
  }
  const auto name = plainName(call.op);
  own.bends |= operands.size() > 1 ? !isAdditive(name) : !isLinearInEach(name);
  attach(result, parameter, label);
  return true;
}

bool Tracer::stepPositional(const Call& call, int64_t parameter, const std::vector<Operand>& operands) {
  if (writesArgument(call.op, 0)) return false;
  // What gives the shape alone (expand_as's other) must not be followed.
  for (const auto& operand : operands) {
    if (operand.place.argument != 0) return false;
  }
  auto stack = call.arguments;
  for (auto& value : stack) {
    // Labels lie on the CPU, and so must what picks some of them.
    if (value.isTensor() && value.toTensor().scalar_type() == at::kLong) value = value.toTensor().to(at::kCPU);
    if (!value.isTensorList()) continue;
    auto list = value.toTensorVector();
    for (auto& tensor : list) tensor = at::full(tensor.sizes(), -1, at::kLong);
    value = c10::IValue(list);
  }
  for (const auto& operand : operands) {
    replaceTensor(stack[static_cast<size_t>(operand.place.argument)], operand.place.element,
                  [&](const at::Tensor&) { return operand.label.feature; });
  }
  call.op.callBoxed(&stack);
  const auto labels = placedTensors(stack);
  const auto results = placedTensors(call.results);
  if (labels.size() != results.size()) return false;
  const bool pure = std::all_of(operands.begin(), operands.end(), [](const Operand& one) { return one.label.pure; });
  for (size_t i = 0; i < labels.size(); ++i) attach(results[i].second, parameter, {labels[i].second, pure});
  return true;
}

/// What one position does to its row is known; the row's other positions end the unit, its own goes on.
bool Tracer::stepNorm(const Call& call, int64_t parameter, const std::vector<Operand>& operands) {
  if (plainName(call.op) != "layer_norm" || closed_.contains(parameter)) return false;
  if (operands.size() != 1 || operands[0].place.argument != 0) return false;
  const auto row = c10::multiply_integers(call.arguments[1].toIntVector());
  const auto& label = operands[0].label;
  // Where features have met, what counts is whether their units are distinct, which the end of the run will tell.
  if (label.pure && !distinctInRows(label.feature, row)) return false;
  auto& own = trace(parameter);
  own.bends = true;
  own.exits.push_back({{call.index, 0, -1, true}, label, row});
  attach(call.results[0].toTensor(), parameter, label);
  return true;
}

void Tracer::leave(const Call& call, int64_t parameter, const std::vector<Operand>& operands) {
  for (const auto& operand : operands) {
    if (writesArgument(call.op, static_cast<size_t>(operand.place.argument))) {
      trace(parameter).valid = false;
      return;
    }
    trace(parameter).exits.push_back({{call.index, operand.place.argument, operand.place.element}, operand.label});
  }
}

void Tracer::takeOutputs(const std::vector<NamedOutput>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto found = known_.find(outputs[i].value.unsafeGetTensorImpl());
    if (found != known_.end()) {
      for (const auto& [parameter, label] : found->second.labels)
        trace(parameter).exits.push_back({{ExitPoint::kOutput, static_cast<int64_t>(i), -1}, label});
    }
    const auto parameter = parameterOf(model_, outputs[i].value);
    if (parameter >= 0) trace(parameter).valid = false;
  }
  known_.clear();
}

}  // namespace heft
