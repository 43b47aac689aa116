#pragma once

#include <ATen/core/Tensor.h>

namespace heft {

/// x W^T + b as at::linear, whose adjoint runs in float32: adjoints are kept in float32 anyway, and their matrix products are
/// most of what taking them costs. `weight` and `bias` count as constants.
at::Tensor linearWithFloatAdjoint(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace heft
