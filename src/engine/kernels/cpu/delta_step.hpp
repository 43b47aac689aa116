#pragma once

#include <cstdint>

#include "engine/cells/cell_layout.hpp"

namespace heft::kernels {

/// One step of one sequence in some variants: all units of a layer.
struct DeltaStep {
  CellKind kind = CellKind::lstm;
  int64_t hidden = 0;
  const float* points = nullptr;  ///< [pointSize(kind), hidden]: the baseline, in the order of pointSize
  const float* pre = nullptr;     ///< [rows, deltaColumns(kind), hidden]: changes of pre-activations
  float* carry = nullptr;    ///< [rows, hidden]: LSTM: the change of its carry, read and written; else not looked at
  float* emitted = nullptr;  ///< [rows, hidden]: written; a GRU reads it too, as what it carries
  int64_t rows = 1;          ///< variants, each behind the one before
};

/// What the changed pre-activations do to the layer's units, by the formulas of gate_math.hpp. Changes below 1e-30 become 0:
/// they are nothing beside an activation, and denormal numbers would make matrix products many times slower.
void deltaStep(const DeltaStep& step);

}  // namespace heft::kernels
