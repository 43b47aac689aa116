#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace heft {

/// How a derived weight follows one parameter, both seen as matrices of rows (Model::weights).
struct WeightLink {
  int64_t parameter = 0;
  size_t derived = 0;  ///< index into Model::derived
  /// False: each weight makes one element of its own; `target` [weights of the parameter] says which, row-major, -1 for none.
  /// True: each row makes a row of its own, whose elements may follow all of its weights (a normalised row, a softmax, a gain);
  /// `target` [rows of the parameter] says which, -1 for none.
  bool by_row = false;
  std::vector<int64_t> target;
};

/// Columns of a tensor that is seen as a matrix: 1 for a vector.
inline int64_t columnsOf(const at::Tensor& value) {
  return value.dim() == 0 ? 1 : value.numel() / std::max<int64_t>(1, value.size(0));
}

}  // namespace heft
