#include "engine/execute/delta/output_reads.hpp"

#include <ATen/ATen.h>

#include "engine/forward/operators.hpp"
#include "engine/forward/vmap.hpp"

namespace heft {

const void* storageOf(const at::Tensor& tensor) {
  return tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
}

bool givesViewsAlone(const c10::OperatorHandle& op, const std::vector<at::Tensor>& arguments,
                     c10::ArrayRef<c10::IValue> results) {
  if (arguments.empty() || results.empty() || writesArguments(op)) return false;
  const BelowVmap plain;
  const auto* storage = storageOf(arguments[0]);
  bool views = storage != nullptr;
  for (const auto& one : arguments) views &= storageOf(one) == storage;
  for (const auto& value : results) {
    bool any = false;
    eachTensor(value, [&](const at::Tensor& one) {
      any = true;
      views &= storageOf(isBatched(one) ? unwrap(one) : one) == storage;
    });
    views &= any;
  }
  return views;
}

at::Tensor regionOf(const at::Tensor& elements, at::IntArrayRef sizes, at::IntArrayRef strides, int64_t offset) {
  if (c10::multiply_integers(sizes) == 0) return elements.narrow(0, 0, 0);
  auto last = offset;
  auto once = sizes.vec();  // what is expanded lies there once
  for (size_t i = 0; i < once.size(); ++i) {
    if (strides[i] == 0) once[i] = 1;
    last += (once[i] - 1) * strides[i];
  }
  if (offset < 0 || last >= elements.numel()) return {};
  return elements.as_strided(once, strides, offset);
}

size_t OutputReads::watch(const at::Tensor& output) {
  outputs_.push_back({output, {}});
  if (!output.defined()) return outputs_.size() - 1;
  const auto elements = static_cast<int64_t>(output.storage().nbytes() / output.element_size());
  outputs_.back().read = at::zeros({elements}, at::kBool);
  by_storage_[storageOf(output)] = outputs_.size() - 1;
  return outputs_.size() - 1;
}

std::vector<at::Tensor> OutputReads::watched(c10::ArrayRef<c10::IValue> arguments) const {
  std::vector<at::Tensor> found;
  if (by_storage_.empty()) return found;
  for (const auto& value : arguments) {
    eachTensor(value, [&](const at::Tensor& tensor) {
      if (by_storage_.contains(storageOf(tensor))) found.push_back(tensor);
    });
  }
  return found;
}

void OutputReads::see(const c10::OperatorHandle& op, const std::vector<at::Tensor>& arguments,
                      c10::ArrayRef<c10::IValue> results) {
  if (arguments.empty() || readsShapesAlone(op) || givesViewsAlone(op, arguments, results)) return;
  for (const auto& tensor : arguments) mark(tensor);
}

void OutputReads::mark(const at::Tensor& tensor) {
  const auto found = by_storage_.find(storageOf(tensor));
  if (found == by_storage_.end()) return;
  auto& [output, read] = outputs_[found->second];
  const auto region = tensor.scalar_type() == output.scalar_type()
                          ? regionOf(read, tensor.sizes(), tensor.strides(), tensor.storage_offset())
                          : at::Tensor();
  if (region.defined())
    region.fill_(true);
  else
    read.fill_(true);  // seen as another type, or larger than it was
}

at::Tensor OutputReads::of(size_t number) const {
  const auto& [output, read] = outputs_.at(number);
  return read.as_strided(output.sizes(), output.strides(), output.storage_offset());
}

}  // namespace heft
