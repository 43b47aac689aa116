#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
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

/// The derived weight's values when the parameter holds these.
using WeightFunction = std::function<at::Tensor(const at::Tensor& parameter)>;

/// Finds a link by running the function on changed parameters: which elements move when those whose number has a bit set are
/// changed, for each bit and for its opposite, tells the number of the one weight (or row) that an element follows, whatever the
/// operators in between. Nothing where an element follows several rows. parameter and derived of the link are left to the caller.
std::optional<WeightLink> findLink(const at::Tensor& parameter, const at::Tensor& derived,
                                   const WeightFunction& function);

/// Columns of a tensor that is seen as a matrix: 1 for a vector.
int64_t columnsOf(const at::Tensor& value);

}  // namespace heft
