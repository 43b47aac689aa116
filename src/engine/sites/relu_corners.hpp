#pragma once

#include <ATen/core/Tensor.h>

#include "engine/sites/site.hpp"

namespace heft {

/// Units with a relu that read what a changed unit emits. The adjoint goes by the slope that each has at the baseline; where
/// the change takes one over its corner, the slope is another from there on. With a its pre-activation, x = w d how
/// far the change d of the emission takes it, and l the adjoint of what it emits, the outputs then change by a further
///
///   l max(0, -(a + x))  for a > 0,    l max(0, a + x)  elsewhere.
///
/// This is exact for the first unit after the changed one; what goes on from there stays linear.
struct ReluReaders {
  at::Tensor pre_activation;  ///< float32 [rows, steps, readers]
  at::Tensor
      lambda;  ///< float32 [readers, rows, seeds, steps]: adjoint of a reader's emission, own recurrence included
  at::Tensor weight;    ///< float32 [units, readers]: from a unit's emission to a reader
  int64_t delay = 0;    ///< a reader reads at step t + delay what a unit emits at step t
  bool turned = false;  ///< the readers go through the steps the other way round
};

/// Adds what the corners change to `block`. `emission` is [rows, points, columns] (points >= steps), of unit `unit`; `samples`
/// [rows] as contract's.
void addCorners(const ReluReaders& readers, int64_t unit, const float* emission, int64_t points,
                const std::vector<int64_t>& samples, const ResponseBlock& block);

}  // namespace heft
