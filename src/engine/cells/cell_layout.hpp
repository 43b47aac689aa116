#pragma once

#include <cstdint>

#include "engine/cells/cell_kind.hpp"

// How many numbers of each sort a unit has at one step, and in which order: what kernels and those who call them agree on.
namespace heft::kernels {

/// Floats that describe one unit at one step of a cell's baseline; their order is LstmPoint's, GruPoint's, (p, n) of the
/// pre-activation for a tanh RNN, the pre-activation for a relu RNN.
constexpr int64_t pointSize(CellKind kind) {
  switch (kind) {
    case CellKind::lstm:
      return 13;
    case CellKind::gru:
      return 9;
    case CellKind::rnn_tanh:
      return 2;
    case CellKind::rnn_relu:
      return 1;
  }
  return 0;
}

/// Columns that hold the changes of one row's pre-activations, for each hidden unit. An LSTM's and an RNN's gates in PyTorch's
/// order; a GRU's are reset, update, the hidden side of the new gate, and that gate's input side.
constexpr int64_t deltaColumns(CellKind kind) { return kind == CellKind::lstm || kind == CellKind::gru ? 4 : 1; }

/// Values that describe how one unit's adjoint runs through one step. By the derivatives of PyTorch's equations of nn.LSTM, nn.GRU
/// and nn.RNN, with e the emission, c the carry, a a gate's pre-activation:
///   LSTM: dc/de-wise o (1 - tanh^2 c); da of input g i (1 - i), forget c_before f (1 - f), cell i (1 - g^2), output tanh(c) o (1 - o); f
///   GRU:  da of update z (1 - z) (h_before - n), new (1 - z) (1 - n^2), reset (of new's) q r (1 - r); r; z
///   RNN:  the slope
constexpr int64_t adjointPlanes(CellKind kind) { return kind == CellKind::lstm ? 6 : kind == CellKind::gru ? 5 : 1; }

/// Columns of adjoints of pre-activations, for each unit: an LSTM's and an RNN's gates in PyTorch's order; a GRU's are reset, update,
/// the hidden side of the new gate, and that gate's input side.
constexpr int64_t adjointColumns(CellKind kind) { return kind == CellKind::lstm || kind == CellKind::gru ? 4 : 1; }

}  // namespace heft::kernels
