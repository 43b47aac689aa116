#include "engine/execute/variants/partial_outputs.hpp"

#include <ATen/ATen.h>

#include "engine/forward/operators.hpp"
#include "engine/forward/vmap.hpp"

namespace heft {

void PartialOutputs::add(const at::Tensor& values, BaselineCall& call) {
  if (!call.read.defined()) return;
  const auto written = call.read.unsqueeze(-1).expand(values.sizes().slice(1)).reshape({-1});
  outputs_[storageOf(values)] = {values, written, &call};
}

/// True when all that `tensor` [variants, ...] shows of its storage is written.
bool PartialOutputs::holds(const at::Tensor& tensor) const {
  const auto& [values, written, call] = outputs_.at(storageOf(tensor));
  const auto variants = values.size(0);
  if (tensor.dim() == 0 || tensor.size(0) != variants || tensor.scalar_type() != values.scalar_type()) return false;
  if (variants > 1 && tensor.stride(0) != values.stride(0)) return false;
  // Every variant holds the same places, so one tells.
  const auto offset = tensor.storage_offset() - values.storage_offset();
  const auto region = regionOf(written, tensor.sizes().slice(1), tensor.strides().slice(1), offset);
  return region.defined() && region.all().item<bool>();
}

std::vector<at::Tensor> PartialOutputs::unwritten(c10::ArrayRef<c10::IValue> arguments) const {
  std::vector<at::Tensor> found;
  if (empty()) return found;
  for (const auto& value : arguments) {
    eachTensor(value, [&](const at::Tensor& tensor) {
      const auto plain = isBatched(tensor) ? unwrap(tensor) : tensor;
      if (outputs_.contains(storageOf(plain)) && !holds(plain)) found.push_back(plain);
    });
  }
  return found;
}

void PartialOutputs::wantAll(const std::vector<at::Tensor>& tensors) {
  for (const auto& tensor : tensors) outputs_.at(storageOf(tensor)).call->read.reset();
}

}  // namespace heft
