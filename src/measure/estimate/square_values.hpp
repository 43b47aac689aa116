#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "measure/estimate/response_seeds.hpp"

namespace heft {

/// Values of several rows of weights, on the CPU: a tensor a value, [rows, columns] each.
struct SquareValues {
  std::vector<at::Tensor> impact;          ///< float64
  std::vector<at::Tensor> standard_error;  ///< float32; NaN with one sample
};

/// Works out `form` of a block, float32 [rows, samples, seeds, columns], contiguous, where the block lies.
SquareValues squareValues(const SquareForm& form, const at::Tensor& block);

}  // namespace heft
