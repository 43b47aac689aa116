#pragma once

#include <vector>

#include "engine/estimate/sites/relu_reach.hpp"
#include "engine/estimate/sites/site.hpp"

namespace heft {

/// A changed unit of a relu layer: what it emits by its own exact recurrence, one change a column.
struct ChangedUnit {
  int64_t unit = 0;
  const float* emission = nullptr;  ///< [rows, steps, columns]: change of what it emits
  const float* moved = nullptr;     ///< [rows, steps, columns]: change of its pre-activation
  const float* change =
      nullptr;  ///< [columns]: change of the weights from each unit of the layer to it; null: others change
};

/// Units with a relu that hear of a changed unit. The adjoint goes by the slope that each has at the baseline; where the change takes
/// one over its corner, the slope is another from there on. With a its pre-activation, x how far the change takes it
/// and l the adjoint of what it emits, the outputs then change by a further
///
///   l max(0, -(a + x))  for a > 0,    l max(0, a + x)  elsewhere.
///
/// x is what all units between the two do at their baseline slopes; for the changed unit itself it adds to what its own
/// recurrence does, and where a weight from another unit changed, what that unit does in turn is read by the new weight.
/// Adds this to `block`; `samples` [rows] as contract's.
void addCorners(const ReluReach& reach, const ChangedUnit& changed, const std::vector<int64_t>& samples,
                const ResponseBlock& block);

/// The same for those units alone that read the changed one directly, by what they read alone: where no reach is to be had.
void addNearCorners(const ReluLayer& layer, const ChangedUnit& changed, const std::vector<int64_t>& samples,
                    const ResponseBlock& block);

}  // namespace heft
