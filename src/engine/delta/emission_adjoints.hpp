#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "engine/layout.hpp"
#include "engine/runner.hpp"

namespace heft {

/// How the unchanged model's outputs follow, to first order, what one layer in one direction emits.
struct EmissionAdjoints {
  at::Tensor emission;  ///< float32 [elements, steps, rows, emitted], steps in the order in which the layer takes them
  at::Tensor carry;     ///< [elements, rows, hidden], of an LSTM's last carry; undefined where no output depends on it
  at::Tensor samples;   ///< int64 [rows], on the CPU: the sample whose outputs a row moves; any where it moves none
};

/// Of every recurrent layer and direction, call after call: forward is run once, and each output's adjoint taken. Empty where some
/// layer's isn't known step by step (cells and layers that are called again and again, projections) or can't be taken.
std::vector<EmissionAdjoints> emissionAdjoints(Runner& runner, const OutputLayout& layout);

}  // namespace heft
