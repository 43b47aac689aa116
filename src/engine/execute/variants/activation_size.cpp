#include "engine/execute/variants/activation_size.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "engine/cells/recurrent_call.hpp"
#include "engine/execute/delta/output_reads.hpp"
#include "engine/forward/operators.hpp"

namespace heft {

void ActivationSize::call(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto recurrent = parseRecurrentCall(op, *stack);
  if (recurrent) rows_ = std::max(rows_, recurrent->hidden.size(-2));
  std::set<const void*> given;
  for (const auto& value : torch::jit::last(*stack, op.schema().arguments().size()))
    eachTensor(value, [&](const at::Tensor& tensor) { given.insert(storageOf(tensor)); });
  PlainHandler::call(op, stack);
  int64_t bytes = 0, made = 0;
  const auto results = torch::jit::last(*stack, op.schema().returns().size());
  for (const auto& value : results) {
    if (!value.isTensor() || !value.toTensor().defined() || parameterOf(model_, value.toTensor()) >= 0) continue;
    const auto size = value.toTensor().numel() * static_cast<int64_t>(value.toTensor().element_size());
    bytes += size;
    if (!given.contains(storageOf(value.toTensor()))) made += size;
  }
  largest_ = std::max(largest_, bytes);
  if (recurrent) {
    const auto& output = results[0].toTensor();
    outputs_.push_back(recurrent->cell ? 0 : output.numel() * static_cast<int64_t>(output.element_size()));
    made -= outputs_.back();
  }
  largest_made_ = std::max(largest_made_, made);
}

}  // namespace heft
