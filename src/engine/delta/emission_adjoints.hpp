#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "engine/layout.hpp"
#include "engine/runner.hpp"

namespace heft {

/// How the unchanged model's outputs follow, to first order, what one layer in one direction emits.
struct EmissionAdjoints {
  at::Tensor
      emission;      ///< float32 [elements, steps, samples, emitted], steps in the order in which the layer takes them
  at::Tensor carry;  ///< [elements, samples, hidden], of an LSTM's last carry; undefined where no output depends on it
};

/// Of every recurrent layer and direction, call after call: forward is run once, and each output's adjoint taken. Empty where an
/// adjoint isn't known row by row: samples that influence each other, cells that are called once a step, packed sequences,
/// projections, and models that can't be differentiated.
std::vector<EmissionAdjoints> emissionAdjoints(Runner& runner, const OutputLayout& layout);

}  // namespace heft
