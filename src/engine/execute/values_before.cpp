#include "engine/execute/values_before.hpp"

#include <ATen/ATen.h>

namespace heft {

std::vector<double> valuesBefore(const Model& model, std::span<const Variant> variants, int64_t parameter) {
  std::vector<int64_t> places;
  for (const auto& variant : variants) {
    for (const auto& change : variant.changes) {
      if (change.parameter == parameter) places.insert(places.end(), change.index.begin(), change.index.end());
    }
  }
  const auto flat = model.weights(parameter).value.detach().reshape({-1});
  const auto found = flat.index_select(0, at::tensor(places, at::kLong).to(flat.device())).to(at::kCPU, at::kDouble);
  const auto* values = found.const_data_ptr<double>();
  return {values, values + found.numel()};
}

}  // namespace heft
