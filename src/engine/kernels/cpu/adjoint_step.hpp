#pragma once

#include <cstdint>

#include "engine/kernels/cell_kind.hpp"

namespace heft::kernels {

/// Values that describe how one unit's adjoint runs through one step. By the derivatives of PyTorch's equations of nn.LSTM, nn.GRU
/// and nn.RNN, with e the emission, c the carry, a a gate's pre-activation:
///   LSTM: dc/de-wise o (1 - tanh^2 c); da of input g i (1 - i), forget c_before f (1 - f), cell i (1 - g^2), output tanh(c) o (1 - o); f
///   GRU:  da of update z (1 - z) (h_before - n), new (1 - z) (1 - n^2), reset (of new's) q r (1 - r); r; z
///   RNN:  the slope
constexpr int64_t adjointPlanes(CellKind kind) { return kind == CellKind::lstm ? 6 : kind == CellKind::gru ? 5 : 1; }

/// Columns of adjoints of pre-activations, for each unit: an LSTM's and an RNN's gates in PyTorch's order; a GRU's are reset, update,
/// the hidden side of the new gate, and that gate's input side.
constexpr int64_t adjointColumns(CellKind kind) { return kind == CellKind::lstm || kind == CellKind::gru ? 4 : 1; }

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
