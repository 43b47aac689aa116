#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "engine/forward/weight_link.hpp"
#include "model/model.hpp"

namespace heft {

/// How a parameter's weights, each changed alone, change one derived weight.
struct DerivedRows {
  const WeightLink* link = nullptr;
  int64_t columns = 1;  ///< of the derived weight
  /// Links by element: float32 [weights], the change of the element that each makes.
  at::Tensor elements;
  /// Links by row: float32 [rows from `first` on, columns of the parameter, columns of the derived weight].
  at::Tensor rows;
  int64_t first = 0;
  /// uint8 [weights] or [rows from `first` on, columns of the parameter]: where the derived weight is no number any more.
  at::Tensor broken;
};

/// `before` and `after` are the parameter's values, row-major. Of a link by row, rows `first` to `first + count` of the parameter.
DerivedRows derivedRows(const Model& model, const WeightLink& link, std::span<const double> before,
                        std::span<const double> after, int64_t first, int64_t count);

/// True when the elements that a row of the parameter makes lie in one row of the derived weight, and no others do there.
bool keepsRows(const Model& model, const WeightLink& link);

}  // namespace heft
