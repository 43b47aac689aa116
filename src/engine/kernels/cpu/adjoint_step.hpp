#pragma once

#include <cstdint>

#include "engine/cells/cell_layout.hpp"

namespace heft::kernels {

/// One step of one row, backwards: all units of a layer.
struct AdjointStep {
  CellKind kind = CellKind::lstm;
  int64_t hidden = 0;
  const float* planes = nullptr;  ///< [adjointPlanes(kind), hidden]
  const float* own = nullptr;     ///< [adjointColumns(kind), hidden]: from a unit's emission to its own pre-activations
  const float* emitted = nullptr;  ///< [hidden]: adjoint of what the units emit
  float* carry = nullptr;          ///< [hidden]: LSTM, GRU: of the carry, read (after the step) and written (before it)
  float* gates = nullptr;  ///< [adjointColumns(kind), hidden]: of the next step's pre-activations, then of this one's
  float* seen = nullptr;   ///< [hidden]: written: `emitted` without what went through the unit's own weights
};

void adjointStep(const AdjointStep& step);

}  // namespace heft::kernels
