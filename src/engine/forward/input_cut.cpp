#include "engine/forward/input_cut.hpp"

#include <ATen/ATen.h>

#include "engine/forward/input_tensors.hpp"

namespace heft {

std::vector<c10::IValue> cutInputs(const std::vector<c10::IValue>& values, const InputCut& cut) {
  return mapTensors(values, [&](const at::Tensor& tensor, size_t) {
    if (cut.dim < tensor.dim() && tensor.size(cut.dim) == cut.of) return tensor.narrow(cut.dim, 0, cut.size).clone();
    for (int64_t dim = 0; dim < tensor.dim(); ++dim) {
      if (tensor.size(dim) == cut.of) return tensor.narrow(dim, 0, cut.size).clone();
    }
    return tensor;
  });
}

std::vector<int64_t> firstSizes(const std::vector<c10::IValue>& values) {
  const auto tensors = inputTensors(values);
  return tensors.empty() ? std::vector<int64_t>() : tensors.front().sizes().vec();
}

}  // namespace heft
