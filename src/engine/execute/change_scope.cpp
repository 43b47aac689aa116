#include "engine/execute/change_scope.hpp"

#include <ATen/ATen.h>

#include "heft/error.hpp"

namespace heft {

at::Tensor memoryOf(const at::Tensor& tensor) {
  int64_t span = tensor.numel() == 0 ? 0 : 1;
  for (int64_t dim = 0; dim < tensor.dim() && span > 0; ++dim) {
    span += (tensor.size(dim) - 1) * tensor.stride(dim);
  }
  return tensor.as_strided({span}, {1}, tensor.storage_offset());
}

std::vector<int64_t> placesInMemory(const at::Tensor& tensor, const std::vector<int64_t>& index) {
  if (tensor.is_contiguous()) return index;
  std::vector<int64_t> places;
  places.reserve(index.size());
  for (auto rest : index) {
    int64_t place = 0;
    for (int64_t dim = tensor.dim() - 1; dim >= 0; --dim) {
      place += rest % tensor.size(dim) * tensor.stride(dim);
      rest /= tensor.size(dim);
    }
    places.push_back(place);
  }
  return places;
}

void checkChange(const Model& model, const Change& change) {
  if (change.parameter < 0 || change.parameter >= static_cast<int64_t>(model.parameters.size())) {
    throw Error(Fault::internal, "a variant changes parameter " + std::to_string(change.parameter) +
                                     "; the model has " + std::to_string(model.parameters.size()));
  }
  const auto& parameter = model.weights(change.parameter);
  if (change.index.size() != change.value.size()) {
    throw Error(Fault::internal, "a variant of " + parameter.name + " has " + std::to_string(change.index.size()) +
                                     " places and " + std::to_string(change.value.size()) +
                                     " values; one value a place is needed");
  }
  for (const auto index : change.index) {
    if (index >= 0 && index < parameter.value.numel()) continue;
    throw Error(Fault::internal, "a variant changes weight " + std::to_string(index) + " of " + parameter.name +
                                     ", which has " + std::to_string(parameter.value.numel()));
  }
}

ChangeScope::ChangeScope(Model& model, const Variant& variant) {
  const at::NoGradGuard no_grad;
  for (const auto& change : variant.changes) checkChange(model, change);
  try {
    for (const auto& change : variant.changes) {
      const auto& value = model.weights(change.parameter).value;
      const auto places = at::tensor(placesInMemory(value, change.index), at::kLong).to(value.device());
      const auto values = at::tensor(change.value, at::kDouble).to(value.options());
      const auto memory = memoryOf(value.detach());
      written_.push_back({memory, places, memory.index_select(0, places)});
      memory.index_copy_(0, places, values);
    }
  } catch (...) {
    restore();
    throw;
  }
}

ChangeScope::~ChangeScope() { restore(); }

void ChangeScope::restore() {
  const at::NoGradGuard no_grad;
  // Backwards: two changes of one variant may name the same weight.
  for (auto one = written_.rbegin(); one != written_.rend(); ++one) {
    one->memory.index_copy_(0, one->places, one->saved);
  }
  written_.clear();
}

}  // namespace heft
