#include "engine/zero_scope.hpp"

#include <ATen/ATen.h>

#include "engine/change_scope.hpp"
#include "heft/error.hpp"

namespace heft {

ZeroScope::ZeroScope(Model& model, const std::vector<at::Tensor>& masks) {
  const at::NoGradGuard no_grad;
  if (masks.size() != model.parameters.size())
    throw Error(Fault::internal, "masks of " + std::to_string(masks.size()) + " parameters; the model has " +
                                     std::to_string(model.parameters.size()));
  try {
    for (size_t p = 0; p < masks.size(); ++p) {
      if (!masks[p].defined()) continue;
      const auto value = model.parameters[p].value.detach();
      if (masks[p].numel() != value.numel())
        throw Error(Fault::internal, "a mask of " + std::to_string(masks[p].numel()) + " weights for " +
                                         model.parameters[p].name + ", which has " + std::to_string(value.numel()));
      const auto memory = memoryOf(value);
      saved_.push_back({memory, memory.clone()});
      value.masked_fill_(masks[p].to(value.device()).view(value.sizes()), 0);
    }
  } catch (...) {
    restore();
    throw;
  }
}

void ZeroScope::restore() {
  const at::NoGradGuard no_grad;
  // Backwards: two parameters may share memory.
  for (auto one = saved_.rbegin(); one != saved_.rend(); ++one) one->memory.copy_(one->values);
  saved_.clear();
}

}  // namespace heft
