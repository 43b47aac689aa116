#include "measure/metrics/divergence.hpp"

#include <ATen/ATen.h>

namespace heft {
namespace {

/// exp(e) - 1 - e to full relative accuracy, for e below 1.
at::Tensor expm1MinusSelf(const at::Tensor& e) {
  // e^2/2 (1 + e/3 (1 + e/4 (...))): for |e| <= 1 what follows is below 1e-18.
  constexpr int last = 19;
  at::Tensor series = at::ones_like(e);
  for (int n = last; n > 2; --n) series.mul_(e).div_(n).add_(1);
  series.mul_(e).mul_(e).div_(2);
  return at::where(e < -1, at::expm1(e) - e, series);
}

}  // namespace

SoftmaxShift softmaxShift(const at::Tensor& scores, const at::Tensor& difference) {
  const at::Tensor log_p = at::log_softmax(scores, -1);
  const at::Tensor p = log_p.exp();
  const at::Tensor e = difference - sumOfLast(p * difference).unsqueeze(-1);
  // From e = 1 on nothing cancels, and p may underflow where p exp(e) counts.
  const at::Tensor risen = at::exp(log_p + e);
  const at::Tensor terms = at::where(e < 1, p * expm1MinusSelf(e), risen - p * (1 + e));
  const at::Tensor sum = sumOfLast(terms).clamp_min(0);
  // Where exp overflows the divergence is in the hundreds, and the textbook form is exact.
  return {at::where(sum.isfinite(), sum.log1p(), at::logsumexp(log_p + e, -1)), e};
}

at::Tensor sumOfLast(const at::Tensor& values) {
  const at::Tensor whole = values.contiguous();
  if (whole.numel() != whole.size(-1)) return whole.sum(-1);
  return at::stack({whole, whole}).sum(-1)[0];
}

at::Tensor meanOfLast(const at::Tensor& values) { return sumOfLast(values) / values.size(-1); }

}  // namespace heft
