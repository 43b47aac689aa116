#pragma once

#include <span>

#include "engine/delta/delta_layer.hpp"

namespace heft {

/// Whether differences can be carried through layers on this device: on the CPU always, on a CUDA device where this build has its
/// kernels.
[[nodiscard]] bool carriesDifferences(const at::Device& device);

/// runDeltas() for all rows at once, as a CUDA device wants it: `baseline` was recorded for that (RowProducts), and all tensors
/// lie on its device. On the CPU it computes the same, slowly, by the same code, for tests.
LayerDeltas runDeltaRows(const CellBaseline& baseline, std::span<const CellChange> changes, const LayerDeltas& input);

}  // namespace heft
