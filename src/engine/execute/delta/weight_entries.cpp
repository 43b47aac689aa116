#include "engine/execute/delta/weight_entries.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/execute/values_before.hpp"

namespace heft {

std::vector<std::vector<WeightEntry>> entriesOf(const Model& model, std::span<const Variant> variants,
                                                int64_t parameter) {
  const auto& value = model.weights(parameter).value;
  const auto before = valuesBefore(model, variants, parameter);
  auto next = before.begin();
  const auto columns = value.dim() == 0 ? 1 : value.numel() / std::max<int64_t>(1, value.size(0));
  std::vector<std::vector<WeightEntry>> entries(variants.size());
  for (size_t v = 0; v < variants.size(); ++v) {
    for (const auto& change : variants[v].changes) {
      if (change.parameter != parameter) continue;
      entries[v].reserve(change.index.size());
      for (size_t i = 0; i < change.index.size(); ++i) {
        const auto index = change.index[i];
        entries[v].push_back({static_cast<int32_t>(index / columns), static_cast<int32_t>(index % columns),
                              static_cast<float>(change.value[i] - *next++)});
      }
    }
  }
  return entries;
}

}  // namespace heft
