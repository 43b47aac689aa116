#pragma once

#include <ATen/core/Tensor.h>

namespace heft {

/// How the unchanged model's outputs follow, to first order, what one layer in one direction emits.
struct EmissionAdjoints {
  at::Tensor emission;  ///< float32 [elements, steps, rows, emitted], steps in the order in which the layer takes them
  at::Tensor carry;     ///< [elements, rows, hidden], of an LSTM's last carry; undefined where no output depends on it
  at::Tensor samples;   ///< int64 [rows], on the CPU: the sample whose outputs a row moves; any where it moves none
};

}  // namespace heft
