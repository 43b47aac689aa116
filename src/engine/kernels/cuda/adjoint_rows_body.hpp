#pragma once

#include "engine/cells/gate_math.hpp"
#include "engine/kernels/cuda/adjoint_rows.hpp"
#include "engine/kernels/cuda/delta_rows_body.hpp"

// What one thread of adjointRows() does: compiled for the device by adjoint_rows.cu, for the host by adjoint_rows_host.cpp.
namespace heft::kernels {

/// Gates of a step, from planes `hidden` apart.
template <CellKind kind>
HEFT_DEVICE GateAdjoints<float> unitAdjoint(const float* plane, std::int64_t hidden, float emitted, float& carry) {
  if constexpr (kind == CellKind::lstm) {
    const float p[6] = {plane[0],          plane[hidden],     plane[2 * hidden],
                        plane[3 * hidden], plane[4 * hidden], plane[5 * hidden]};
    return lstmAdjoint(p, emitted, carry);
  } else if constexpr (kind == CellKind::gru) {
    const float p[5] = {plane[0], plane[hidden], plane[2 * hidden], plane[3 * hidden], plane[4 * hidden]};
    return gruAdjoint(p, emitted, carry);
  } else {
    return {{emitted * plane[0], 0, 0, 0}};
  }
}

template <CellKind kind>
HEFT_DEVICE void adjointUnit(const AdjointRows& step, std::int64_t seed, std::int64_t row, std::int64_t unit) {
  constexpr auto columns = adjointColumns(kind);
  constexpr bool carries = kind == CellKind::lstm || kind == CellKind::gru;
  const auto hidden = step.hidden;
  const auto at = (seed * step.rows + row) * hidden + unit;
  float* gates = step.gates + (seed * step.rows + row) * columns * hidden + unit;
  float emitted = step.emitted[at];
  if (step.sequence.data != nullptr) {
    const auto from = seed * step.sequence.seed + row * step.sequence.row + unit * step.sequence.unit;
    emitted += step.sequence.wide ? static_cast<float>(static_cast<const double*>(step.sequence.data)[from])
                                  : static_cast<const float*>(step.sequence.data)[from];
  }
  if (step.active != nullptr && step.active[row] == 0) {
    step.emitted[at] = emitted;
    step.seen[at] = 0;
    for (std::int64_t k = 0; k < columns; ++k) gates[k * hidden] = 0;
    return;
  }
  float through = 0;
  for (std::int64_t k = 0; k < columns; ++k) through += step.own[k * hidden + unit] * gates[k * hidden];
  step.seen[at] = emitted - through;
  float carry = carries ? step.carry[at] : 0;
  const auto found = unitAdjoint<kind>(step.planes + row * adjointPlanes(kind) * hidden + unit, hidden, emitted, carry);
  for (std::int64_t k = 0; k < columns; ++k) gates[k * hidden] = withoutDenormals(found.gate[k]);
  if (carries) step.carry[at] = withoutDenormals(carry);
  step.emitted[at] = 0;
}

}  // namespace heft::kernels
