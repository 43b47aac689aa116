#pragma once

#include <ATen/core/Tensor.h>

namespace heft {

/// x W^T + b as at::linear, whose adjoint runs in float32: adjoints are kept in float32 anyway, and their matrix products are
/// most of what taking them costs. `weight` and `bias` count as constants.
at::Tensor linearWithFloatAdjoint(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// While it lives, those adjoints run in the type of the values: where gradients are compared to the last digit.
class FullPrecisionAdjoints {
 public:
  FullPrecisionAdjoints();
  ~FullPrecisionAdjoints();
  FullPrecisionAdjoints(const FullPrecisionAdjoints&) = delete;
  FullPrecisionAdjoints& operator=(const FullPrecisionAdjoints&) = delete;
};

/// True while some FullPrecisionAdjoints lives.
[[nodiscard]] bool wantFullPrecision();

}  // namespace heft
