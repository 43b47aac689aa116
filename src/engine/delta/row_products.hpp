#pragma once

#include <ATen/core/Tensor.h>

#include "engine/kernels/cuda/delta_rows.hpp"
#include "engine/sites/recurrent_call.hpp"

namespace heft {

/// The matrix products of one layer in one direction for many rows of differences: on a CUDA device, or as there on the CPU.
///
/// The rows that a product takes (its operand) hold what the layer reads and what it emitted side by side, so that a step is
/// one product. With halves each float is two bfloat16 numbers and three of the four products of halves are added up in float32,
/// by one product three times as long: relative to the sizes of the terms 2^-16 at worst (the split is Henry, Tang and
/// Heinecke's, ARITH 2019). Otherwise LibTorch's float32 product. Rows are multiplied a fixed number together, filled up with
/// what lies behind them, so that a row's sums don't depend on how many rows there are.
class RowProducts {
 public:
  RowProducts() = default;
  RowProducts(CellKind kind, const CellWeights& weights, bool halves);

  [[nodiscard]] bool defined() const { return gates_.defined(); }
  /// Rows that operand and output must have room for.
  [[nodiscard]] int64_t roomFor(int64_t rows) const;
  /// An operand of zeros, [room, width].
  [[nodiscard]] at::Tensor operand(int64_t rows) const;
  /// Where in an operand of this kind the input's part lies, and the emission's.
  [[nodiscard]] kernels::Operand inputPart(const at::Tensor& operand) const;
  [[nodiscard]] kernels::Operand emissionPart(const at::Tensor& operand) const;
  /// Changes of pre-activations, [room, deltaColumns x hidden], from the parts that differ at all.
  void gates(const at::Tensor& operand, bool input, bool emission, const at::Tensor& out) const;

  /// The same for the projection: an operand, its part, and its product [room, emitted].
  [[nodiscard]] at::Tensor projectionOperand(int64_t rows) const;
  [[nodiscard]] kernels::Operand projectionPart(const at::Tensor& operand) const;
  void project(const at::Tensor& operand, const at::Tensor& out) const;

 private:
  [[nodiscard]] kernels::Operand part(const at::Tensor& operand, int64_t first) const;
  void multiply(const at::Tensor& operand, const at::Tensor& weights, const at::Tensor& out) const;

  CellKind kind_ = CellKind::lstm;
  bool halves_ = false;
  int64_t hidden_ = 0;
  int64_t input_width_ = 0, emission_width_ = 0;  ///< of an operand
  int64_t together_ = 0;                          ///< rows of one product
  at::Tensor gates_;       ///< [input_width + emission_width, gates x hidden]; of a GRU reset and update
  at::Tensor new_input_;   ///< of a GRU [input_width, hidden]
  at::Tensor new_hidden_;  ///< of a GRU [emission_width, hidden]
  at::Tensor projection_;  ///< [width, emitted], with a projection
};

}  // namespace heft
