#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace heft {

/// Memory that is used again from chunk to chunk: fresh pages cost more than what is written to them.
class Workspace {
 public:
  /// A tensor of any contents, valid until the same place is taken again.
  at::Tensor take(size_t place, at::IntArrayRef sizes, at::ScalarType type = at::kFloat);
  /// The same, for results that somebody may go on holding: what is still held is left to them.
  at::Tensor takeUnlessHeld(size_t place, at::IntArrayRef sizes, at::ScalarType type);

 private:
  std::vector<at::Tensor> kept_;  ///< flat
};

}  // namespace heft
