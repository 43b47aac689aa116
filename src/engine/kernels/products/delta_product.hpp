#pragma once

#include <ATen/core/Tensor.h>

#include "engine/kernels/products/product_form.hpp"
#include "engine/kernels/products/workspace.hpp"

namespace heft {

/// Products of differences with one weight matrix, float32 in and out: in panels of its columns that are laid out once, by the
/// kernels that oneDNN makes for the processor at hand.
///
/// By halves each factor is split into two bfloat16 numbers and three of their four products are added up in float32: relative
/// to the sizes of the terms 2^-16 at worst, about 1e-6 in a sum. (The split is Henry, Tang and Heinecke's, ARITH 2019.)
class DeltaProduct {
 public:
  /// What multiplies.
  enum class By {
    library,  ///< LibTorch's float32 product
    panels,   ///< float32 with AVX-512
    tiles,    ///< bfloat16, summed in float32
  };

  DeltaProduct() = default;
  /// `weights`: float32 [inputs, outputs]. `by`: the best that may be used; where it doesn't work or pay, what stands before it.
  /// By tiles `form` says what is multiplied; elsewhere all is float32.
  DeltaProduct(const at::Tensor& weights, ProductForm form, By by);
  DeltaProduct(const at::Tensor& weights, ProductForm form) : DeltaProduct(weights, form, fastest(form)) {}

  [[nodiscard]] bool defined() const { return weights_.defined(); }
  [[nodiscard]] int64_t inputs() const { return weights_.size(0); }
  [[nodiscard]] int64_t outputs() const { return weights_.size(1); }
  [[nodiscard]] const float* row(int64_t input) const { return weights_.const_data_ptr<float>() + input * outputs(); }

  /// Differences [rows, inputs] as multiply() takes them, in `workspace`'s place; to be used for several products. The memory
  /// behind them has room for roomFor(rows) of them; what lies in that room is multiplied along and means nothing.
  [[nodiscard]] at::Tensor prepare(const at::Tensor& differences, Workspace& workspace, size_t place) const;
  /// out = prepared x weights, or added to it. `out` is [rows, outputs], its rows any distance apart, with room for
  /// roomFor(rows) of them. Rows are multiplied by whole blocks, so that a row's sums don't depend on how many there are.
  void multiply(const at::Tensor& prepared, int64_t rows, at::Tensor out, bool add) const;

  /// Rows that an output must have room for when `rows` are wanted.
  [[nodiscard]] static int64_t roomFor(int64_t rows);
  /// True where the processor has what this takes and LibTorch uses it.
  [[nodiscard]] static bool works(By by);
  /// What multiplies large matrices of this form fastest here.
  [[nodiscard]] static By fastest(ProductForm form);
  [[nodiscard]] By by() const { return by_; }
  /// Columns that each half of what prepare() gives has by tiles.
  [[nodiscard]] int64_t half() const;
  /// True where factors are rounded to bfloat16 before they are multiplied.
  [[nodiscard]] bool rounds() const { return by_ == By::tiles && !halves_; }

 private:
  By by_ = By::library;
  bool halves_ = false;  ///< of two halves; else high ones alone
  at::Tensor weights_;   ///< float32 [inputs, outputs]
  /// By panels float32 [panels, inputs, columns of a panel], by tiles bfloat16 [panels, high and low, inputs / 2, columns, 2].
  at::Tensor panels_;
};

}  // namespace heft
