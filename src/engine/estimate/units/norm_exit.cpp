#include "engine/estimate/units/norm_exit.hpp"

#include <ATen/ATen.h>

namespace heft {

NormExit::NormExit(std::span<const c10::IValue> arguments) {
  for (const auto size : arguments[1].toIntVector()) width_ *= size;
  const auto input = rows(arguments[0].toTensor().detach());
  centred_ = input - input.mean(1, true);
  square_ = centred_.square().mean(1, true) + arguments[4].toDouble();
  if (arguments[2].isTensor() && arguments[2].toTensor().defined())
    weight_ = arguments[2].toTensor().detach().reshape({width_});
  if (arguments[3].isTensor() && arguments[3].toTensor().defined())
    bias_ = arguments[3].toTensor().detach().reshape({width_});
}

at::Tensor NormExit::rows(const at::Tensor& values) const { return values.reshape({-1, width_}); }

/// 1/s' for changes [variants, rows, n].
at::Tensor NormExit::inverse(const at::Tensor& change) const {
  const auto n = static_cast<double>(width_);
  return (square_ + (2 * change * centred_ + change.square()) / n - change.square() / (n * n)).rsqrt();
}

at::Tensor NormExit::coefficients(const at::Tensor& changes) const {
  const auto variants = changes.size(0);
  const auto change = changes.reshape({variants, -1, width_});
  const auto inverted = inverse(change);
  return at::stack({inverted - square_.rsqrt(), -change / static_cast<double>(width_) * inverted}, 1)
      .reshape({variants, -1});
}

at::Tensor NormExit::numbers(const at::Tensor& adjoint) const {
  auto weighted = rows(adjoint);
  if (weight_.defined()) weighted = weighted * weight_;
  const auto elsewhere = [](const at::Tensor& one) { return one.sum(1, true) - one; };
  return at::stack({elsewhere(weighted * centred_), elsewhere(weighted)}).reshape({-1});
}

at::Tensor NormExit::results(const at::Tensor& changes) const {
  const auto change = changes.reshape({changes.size(0), -1, width_});
  auto results = (centred_ + change * (1 - 1.0 / static_cast<double>(width_))) * inverse(change);
  if (weight_.defined()) results = results * weight_;
  if (bias_.defined()) results = results + bias_;
  return results.reshape(changes.sizes());
}

}  // namespace heft
