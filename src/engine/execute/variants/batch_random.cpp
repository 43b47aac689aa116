#include <ATen/ATen.h>

#include "engine/execute/variants/batch_handler.hpp"
#include "engine/forward/operators.hpp"

namespace heft {

c10::IValue BatchHandler::ofVariant(const c10::IValue& value, int64_t variant) const {
  const auto pick = [&](const at::Tensor& tensor) { return isBatched(tensor) ? unwrap(tensor)[variant] : tensor; };
  if (value.isTensor()) return value.toTensor().defined() ? c10::IValue(pick(value.toTensor())) : value;
  if (!value.isTensorList()) return value;
  auto list = value.toTensorVector();
  for (auto& tensor : list) tensor = pick(tensor);
  return c10::IValue(list);
}

bool BatchHandler::answerRandom(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (turn() == nullptr) return false;
  const auto count = op.schema().arguments().size();
  const auto& returns = op.schema().returns();
  for (const auto& one : returns) {
    if (one.type()->kind() != c10::TypeKind::TensorType) return false;
  }
  for (size_t i = stack.size() - count; i < stack.size(); ++i) stack[i] = substituted(stack[i], true);
  const BelowVmap plain;
  const auto given = torch::jit::last(stack, count).vec();
  std::vector<std::vector<at::Tensor>> results(returns.size());
  for (int64_t v = 0; v < level_.variants(); ++v) {
    torch::jit::Stack own;
    for (size_t i = 0; i < count; ++i) {
      own.push_back(ofVariant(given[i], v));
      // Numbers come in the order of memory, which batched tensors have another of: what is written is a copy.
      if (writesArgument(op, i) && own[i].isTensor()) own[i] = turn()->copyOf(own[i].toTensor(), i);
    }
    const auto written = own;
    turn()->call(op, own);
    for (size_t r = 0; r < returns.size(); ++r) results[r].push_back(own[r].toTensor());
    for (size_t i = 0; i < count; ++i) {
      if (writesArgument(op, i) && given[i].isTensor()) unwrap(given[i].toTensor())[v].copy_(written[i].toTensor());
    }
  }
  torch::jit::drop(stack, count);
  for (size_t r = 0; r < returns.size(); ++r) {
    const auto* alias = returns[r].alias_info();
    const bool is_written = alias != nullptr && alias->isWrite();
    size_t i = 0;
    while (is_written && i < count && !writesArgument(op, i)) ++i;
    torch::jit::push(stack, is_written ? given[i] : c10::IValue(level_.wrap(at::stack(results[r]))));
  }
  return true;
}

}  // namespace heft
