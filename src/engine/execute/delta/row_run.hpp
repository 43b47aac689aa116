#pragma once

#include <span>

#include "engine/execute/delta/delta_layer.hpp"

namespace heft {

/// runDeltas() for all rows at once, as a CUDA device wants it: `baseline` was recorded for that (RowProducts), and all tensors
/// lie on its device. On the CPU it computes the same, slowly, by the same code, for tests.
LayerDeltas runDeltaRows(const CellBaseline& baseline, std::span<const CellChange> changes, const LayerDeltas& input);

}  // namespace heft
