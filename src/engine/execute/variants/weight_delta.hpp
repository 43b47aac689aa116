#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "engine/execute/executor.hpp"

namespace heft {

/// How much of a parameter, seen as a matrix [rows, columns], a variant changes: the smallest block that
/// holds it all.
struct DeltaShape {
  int64_t rows = 0;
  int64_t columns = 0;
};

DeltaShape deltaShape(const Model& model, const Variant& variant, int64_t parameter);

/// What variants of one matrix add to it, in the rows and columns that each of them changes:
/// dW[v][rows[v][r]][columns[v][c]] = change[v][r][c], zero elsewhere.
class WeightDelta {
 public:
  /// The changes of `parameter` (seen as [first dimension, all others]) in each of `variants`.
  WeightDelta(const Model& model, std::span<const Variant> variants, int64_t parameter);
  /// The difference of whole matrices [variants, rows, columns] (or vectors [variants, rows]) from the first
  /// of them.
  explicit WeightDelta(const at::Tensor& matrices);

  /// term += dW read for each variant, in place. `term` is [variants, points, rows of W], `read` [variants or
  /// 1, points, columns of W].
  void addProduct(at::Tensor term, const at::Tensor& read) const;
  /// term += db, where the parameter is a vector.
  void addBias(at::Tensor term) const;
  /// out[v][n] += dW[v] row number tokens[v][n]: `out` is [variants, points, columns of W], `tokens` int64
  /// [variants or 1, points].
  void addRows(at::Tensor out, const at::Tensor& tokens) const;
  /// dW transposed.
  [[nodiscard]] WeightDelta transposed() const;

  /// Rows that a variant changes, at most.
  [[nodiscard]] int64_t changedRows() const { return change_.size(1); }

 private:
  WeightDelta() = default;
  void scatter(at::Tensor& term, const at::Tensor& values) const;

  at::Tensor rows_;     ///< int64 [variants, changed rows]; undefined: all rows in order
  at::Tensor columns_;  ///< int64 [variants, changed columns]; undefined: all columns in order
  at::Tensor change_;   ///< [variants, changed rows, changed columns]
  int64_t all_rows_ = 0;
};

}  // namespace heft
