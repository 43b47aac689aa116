#include "engine/kernels/products/workspace.hpp"

#include <ATen/ATen.h>

namespace heft {

at::Tensor Workspace::take(size_t place, at::IntArrayRef sizes, at::ScalarType type) {
  if (kept_.size() <= place) kept_.resize(place + 1);
  auto& kept = kept_[place];
  const auto wanted = c10::multiply_integers(sizes);
  if (!kept.defined() || kept.scalar_type() != type || kept.numel() < wanted) kept = at::empty({wanted}, type);
  return kept.narrow(0, 0, wanted).view(sizes);
}

at::Tensor Workspace::takeUnlessHeld(size_t place, at::IntArrayRef sizes, at::ScalarType type) {
  if (place < kept_.size() && kept_[place].defined() && kept_[place].storage().use_count() > 1)
    kept_[place] = at::Tensor();
  return take(place, sizes, type);
}

}  // namespace heft
