#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <span>

namespace heft {

/// A layer norm seen from one changed position of a row. With x the row of n values, m its mean, s the root of its
/// variance + eps, w and b the norm's weight and bias, and d the change of position p, the results y become
///
///   s'^2  = s^2 + (2 d (x[p] - m) + d^2) / n - d^2 / n^2
///   y'[p] = w[p] (x[p] - m + d - d/n) / s' + b[p]
///   y'[c] = y[c] + w[c] (x[c] - m) (1/s' - 1/s) - w[c] (d/n) / s'      elsewhere
///
/// so that, with g the adjoint of y, two numbers stand for all of the row but p: the sums over c of g w (x - m) and of
/// g w. Position p itself goes on inside the unit.
class NormExit {
 public:
  /// `arguments` of aten::layer_norm, the values detached.
  explicit NormExit(std::span<const c10::IValue> arguments);

  /// Coefficients of the two numbers for changes of every position, each alone: `changes` is [variants, ...] of
  /// the input's shape; [variants, 2 x positions].
  [[nodiscard]] at::Tensor coefficients(const at::Tensor& changes) const;
  /// The two numbers for every position, from the adjoint of the result: [2 x positions].
  [[nodiscard]] at::Tensor numbers(const at::Tensor& adjoint) const;
  /// The result at every position, changed alone; shaped as `changes`.
  [[nodiscard]] at::Tensor results(const at::Tensor& changes) const;

 private:
  [[nodiscard]] at::Tensor rows(const at::Tensor& values) const;
  [[nodiscard]] at::Tensor inverse(const at::Tensor& change) const;

  int64_t width_ = 1;         ///< n
  at::Tensor centred_;        ///< [rows, n]: x - m
  at::Tensor square_;         ///< [rows, 1]: s^2
  at::Tensor weight_, bias_;  ///< [n], or undefined
};

}  // namespace heft
