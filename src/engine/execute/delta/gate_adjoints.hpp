#pragma once

#include <functional>

#include "engine/execute/delta/cell_baseline.hpp"
#include "engine/execute/delta/emission_adjoints.hpp"

namespace heft {

/// Takes the adjoints of one step's pre-activations: float32 [elements, rows, adjointColumns(kind) x hidden], in the order that
/// adjointColumns() gives.
using TakeGateAdjoints = std::function<void(int64_t step, const at::Tensor& adjoints)>;

/// How the outputs follow the pre-activations of a layer without a projection, from its last step to its first: by the derivatives
/// of PyTorch's equations at `baseline`. Where a packed sequence has no step they are 0.
void walkGateAdjoints(const CellBaseline& baseline, const EmissionAdjoints& after, const TakeGateAdjoints& take);

}  // namespace heft
