#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <span>

namespace heft {

/// A layer norm seen from one changed position of a row. With x the row of n values, m its mean, s its root of variance
/// + eps, w the norm's weight and d the change of position p, the row's results y change by
///
///   dy[c] = w[c] (x[c] - m) (1/s' - 1/s)  -  w[c] (d/n) / s'  +  [c = p] w[p] d / s'
///   s'^2 = s^2 + (2 d (x[p] - m) + d^2) / n - d^2 / n^2
///
/// so that, with g the adjoint of y, three numbers of the row stand for all of it: sum of g w (x - m), sum of g w, and
/// g[p] w[p].
class NormExit {
 public:
  /// `arguments` of aten::layer_norm, the values detached.
  explicit NormExit(std::span<const c10::IValue> arguments);

  /// Coefficients of the three numbers for changes of every position, each alone: `changes` is [variants, ...] of
  /// the input's shape; [variants, 3 x positions].
  [[nodiscard]] at::Tensor coefficients(const at::Tensor& changes) const;
  /// The three numbers for every position, from the adjoint of the result: [3 x positions].
  [[nodiscard]] at::Tensor numbers(const at::Tensor& adjoint) const;

 private:
  [[nodiscard]] at::Tensor rows(const at::Tensor& values) const;

  int64_t width_ = 1;   ///< n
  at::Tensor centred_;  ///< [rows, n]: x - m
  at::Tensor square_;   ///< [rows, 1]: s^2
  at::Tensor weight_;   ///< [n], or undefined
};

}  // namespace heft
