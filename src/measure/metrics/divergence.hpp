#pragma once

#include <ATen/core/Tensor.h>

namespace heft {

/// How softmax probabilities answer to a change d of the scores y. With p = softmax(y) and e = d - sum_c p_c
/// d_c:
///
///   KL(softmax(y) || softmax(y + d)) = log sum_c p_c exp(d_c) - sum_c p_c d_c = log(1 + sum_c p_c (exp(e_c)
///   - 1 - e_c))
///
/// since sum_c p_c e_c = 0. No term of the last sum is negative and each keeps its relative accuracy, so the
/// divergence does too, of differences of any size, where the textbook form is left with noise below d =
/// 1e-8.
struct SoftmaxShift {
  at::Tensor divergence;  ///< [variants, samples, groups], nats, never below 0
  at::Tensor centred;     ///< e, [variants, samples, groups, classes]: the change of -log p'_c is divergence - e_c
};

/// `scores` is y, [samples, groups, classes]; `difference` is d, [variants, samples, groups, classes]; both
/// float64.
[[nodiscard]] SoftmaxShift softmaxShift(const at::Tensor& scores, const at::Tensor& difference);

/// The sum over the last dimension, in an order that depends on its length alone: not on how many sums there
/// are (ATen splits a single long sum over threads).
[[nodiscard]] at::Tensor sumOfLast(const at::Tensor& values);
[[nodiscard]] at::Tensor meanOfLast(const at::Tensor& values);

}  // namespace heft
