#include "engine/units/norm_exit.hpp"

#include <ATen/ATen.h>

namespace heft {

NormExit::NormExit(std::span<const c10::IValue> arguments) {
  for (const auto size : arguments[1].toIntVector()) width_ *= size;
  const auto input = rows(arguments[0].toTensor().detach());
  centred_ = input - input.mean(1, true);
  square_ = centred_.square().mean(1, true) + arguments[4].toDouble();
  if (arguments[2].isTensor() && arguments[2].toTensor().defined())
    weight_ = arguments[2].toTensor().detach().reshape({width_});
}

at::Tensor NormExit::rows(const at::Tensor& values) const { return values.reshape({-1, width_}); }

at::Tensor NormExit::coefficients(const at::Tensor& changes) const {
  const auto variants = changes.size(0);
  const auto change = changes.reshape({variants, -1, width_});
  const auto n = static_cast<double>(width_);
  const auto square = square_ + (2 * change * centred_ + change.square()) / n - change.square() / (n * n);
  const auto inverse = square.rsqrt();
  return at::stack({inverse - square_.rsqrt(), -change / n * inverse, change * inverse}, 1).reshape({variants, -1});
}

at::Tensor NormExit::numbers(const at::Tensor& adjoint) const {
  auto weighted = rows(adjoint);
  if (weight_.defined()) weighted = weighted * weight_;
  const auto spread = [&](const at::Tensor& one) { return one.expand(weighted.sizes()); };
  return at::stack({spread((weighted * centred_).sum(1, true)), spread(weighted.sum(1, true)), weighted}).reshape({-1});
}

}  // namespace heft
