#pragma once

#include <ATen/core/Tensor.h>

#include "engine/cells/recurrent_call.hpp"
#include "engine/kernels/cuda/delta_rows.hpp"
#include "engine/kernels/products/product_form.hpp"

namespace heft {

/// The matrix products of one layer in one direction for many rows of differences: on a CUDA device, or as there on the CPU.
///
/// The rows that a product takes (its operand) hold what the layer reads and what it emitted side by side, so that a step is
/// one product. With halves each float is two bfloat16 numbers and three of the four products of halves are added up in float32,
/// by one product three times as long (the split is Henry, Tang and Heinecke's, ARITH 2019). Tensor cores cut what they add to
/// the sum's last bit, each time towards zero, so the small terms come first, and only the last ones meet a large sum. Of rounded
/// numbers the high halves alone are multiplied. Otherwise LibTorch's float32 product. Rows are multiplied a fixed number together,
/// filled up with what lies behind them, so that a row's sums don't depend on how many rows there are.
class RowProducts {
 public:
  /// Columns of an operand where one of its parts lies; all the same where it has no halves.
  struct Part {
    int64_t low = 0, high = 0, again = 0;
  };

  RowProducts() = default;
  /// `keeps_rest`: of rounded numbers an operand holds too what rounding takes off, for a RoundingTable.
  RowProducts(CellKind kind, const CellWeights& weights, ProductForm products, bool keeps_rest = false);

  [[nodiscard]] bool defined() const { return gates_.defined(); }
  /// Rows that operand and output must have room for.
  [[nodiscard]] int64_t roomFor(int64_t rows) const;
  /// An operand of zeros, [room, width].
  [[nodiscard]] at::Tensor operand(int64_t rows) const;
  /// Where in an operand of this kind the input's part lies, and the emission's.
  [[nodiscard]] kernels::Operand inputPart(const at::Tensor& operand) const;
  [[nodiscard]] kernels::Operand emissionPart(const at::Tensor& operand) const;
  /// Changes of pre-activations, [room, deltaColumns x hidden], from the parts that differ at all; the others hold zeros.
  void gates(const at::Tensor& operand, bool input, bool emission, const at::Tensor& out) const;

  /// True where factors are rounded to bfloat16 before they are multiplied.
  [[nodiscard]] bool rounds() const { return defined() && form_ == ProductForm::rounded; }
  /// Columns of an operand, and where its parts' rounded numbers and the rest of them lie.
  [[nodiscard]] int64_t terms() const { return width_; }
  [[nodiscard]] const Part& inputColumns() const { return input_; }
  [[nodiscard]] const Part& emissionColumns() const { return emission_; }
  /// sums [samples, variants, columns] += the parts of `operand` that differ at all, of variants x samples rows, times `table`
  /// [samples, terms(), columns] of a step.
  void addRounding(const at::Tensor& operand, bool input, bool emission, const at::Tensor& table,
                   const at::Tensor& sums) const;

  /// The same for the projection: an operand, its part, and its product [room, emitted].
  [[nodiscard]] at::Tensor projectionOperand(int64_t rows) const;
  [[nodiscard]] kernels::Operand projectionPart(const at::Tensor& operand) const;
  void project(const at::Tensor& operand, const at::Tensor& out) const;

 private:
  /// Columns of an operand.
  struct Range {
    int64_t first = 0, count = 0;
  };

  void arrange(int64_t inputs, int64_t emitted);
  /// Weights [outputs, inputs] as rows of what `matrix` [width, outputs] is, for that part of an operand.
  void place(const at::Tensor& weights, const Part& part, const at::Tensor& matrix) const;
  [[nodiscard]] kernels::Operand part(const at::Tensor& operand, const Part& part) const;
  void multiply(const at::Tensor& operand, const Range& range, const at::Tensor& weights, const at::Tensor& out) const;

  CellKind kind_ = CellKind::lstm;
  ProductForm form_ = ProductForm::floats;
  bool keeps_rest_ = false;
  int64_t hidden_ = 0;
  int64_t width_ = 0;  ///< of an operand
  Part input_, emission_, projected_;
  Range all_, only_input_, only_emission_;
  Range with_rest_;        ///< of the emission, its rest behind it
  int64_t together_ = 0;   ///< rows of one product
  at::Tensor gates_;       ///< [width, gates x hidden]; of a GRU reset and update
  at::Tensor new_input_;   ///< of a GRU [width of the input's columns, hidden]
  at::Tensor new_hidden_;  ///< of a GRU [width of the emission's columns, hidden]
  at::Tensor projection_;  ///< [width, emitted], with a projection
};

}  // namespace heft
