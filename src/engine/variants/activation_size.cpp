#include "engine/variants/activation_size.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/sites/recurrent_call.hpp"

namespace heft {

void ActivationSize::call(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  if (const auto recurrent = parseRecurrentCall(op, *stack)) rows_ = std::max(rows_, recurrent->hidden.size(-2));
  PlainHandler::call(op, stack);
  int64_t bytes = 0;
  for (const auto& value : torch::jit::last(*stack, op.schema().returns().size())) {
    if (!value.isTensor() || !value.toTensor().defined() || parameterOf(model_, value.toTensor()) >= 0) continue;
    bytes += value.toTensor().numel() * static_cast<int64_t>(value.toTensor().element_size());
  }
  largest_ = std::max(largest_, bytes);
}

}  // namespace heft
