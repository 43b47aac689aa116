#include "model/promote.hpp"

#include <ATen/ATen.h>

#include "model/widened.hpp"

namespace heft {

bool isSmallFloat(at::ScalarType type) {
  return type == at::kFloat || type == at::kHalf || type == at::kBFloat16 || type == at::kComplexFloat ||
         type == at::kComplexHalf;
}

at::ScalarType widened(at::ScalarType type) {
  if (!isSmallFloat(type)) return type;
  return at::isComplexType(type) ? at::kComplexDouble : at::kDouble;
}

at::Tensor wholeStorageAsDouble(const at::Tensor& tensor, c10::Device device) {
  const auto elements = static_cast<int64_t>(tensor.storage().nbytes() / tensor.element_size());
  return at::empty({0}, tensor.options())
      .set_(tensor.storage(), 0, {elements}, {1})
      .to(device, widened(tensor.scalar_type()), false, true);
}

at::Tensor Promoter::twin(const at::Tensor& tensor) {
  if (tensor.layout() != at::kStrided || !tensor.has_storage() || tensor.storage().nbytes() == 0) {
    return tensor.to(widened(tensor.scalar_type()));
  }
  const void* key = tensor.storage().data();
  auto found = twins_.find(key);
  if (found == twins_.end()) {
    found = twins_.emplace(key, Twin{tensor, wholeStorageAsDouble(tensor.detach(), device_)}).first;
  }
  return found->second.base.as_strided(tensor.sizes(), tensor.strides(), tensor.storage_offset());
}

void Promoter::arguments(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto& arguments = op.schema().arguments();
  const auto first = stack.size() - arguments.size();
  for (size_t i = 0; i < arguments.size(); ++i) {
    auto& value = stack[first + i];
    if (value.isTensor()) {
      const auto& tensor = value.toTensor();
      if (tensor.defined() && isSmallFloat(tensor.scalar_type())) value = twin(tensor);
    } else if (value.isTensorList()) {
      auto list = value.toTensorVector();
      bool changed = false;
      for (auto& tensor : list) {
        if (tensor.defined() && isSmallFloat(tensor.scalar_type())) {
          tensor = twin(tensor);
          changed = true;
        }
      }
      if (changed) value = c10::IValue(list);
    } else if (value.isInt() && arguments[i].name() == "dtype") {
      value = static_cast<int64_t>(widened(static_cast<at::ScalarType>(value.toInt())));
    }
  }
}

void Promoter::results(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto count = op.schema().returns().size();
  for (size_t i = stack.size() - count; i < stack.size(); ++i) {
    if (!stack[i].isTensor()) continue;
    const auto& tensor = stack[i].toTensor();
    if (tensor.defined() && isSmallFloat(tensor.scalar_type())) stack[i] = tensor.to(widened(tensor.scalar_type()));
  }
}

}  // namespace heft
