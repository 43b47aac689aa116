#pragma once

#include <torch/script.h>

#include "engine/cells/cell_kind.hpp"

namespace heft::bench {

/// Of a network made for a benchmark: recurrent layers of one width, and a linear head on the last step.
struct Shape {
  CellKind kind = CellKind::lstm;
  int64_t inputs = 32, hidden = 64, layers = 1, outputs = 10, batch = 1, steps = 32;
};

/// A TorchScript module with PyTorch's initial weights (uniform in ±1 / sqrt(hidden)), float32.
torch::jit::Module makeModule(const Shape& shape);

/// Normal inputs [batch, steps, inputs], float32.
at::Tensor makeInputs(const Shape& shape);

}  // namespace heft::bench
