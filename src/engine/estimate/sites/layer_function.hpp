#pragma once

#include <memory>

#include "engine/estimate/sites/layer_adjoint.hpp"

namespace heft {

/// Where gradients of a layer's run are taken at, beside what it reads.
struct LayerLeaves {
  at::Tensor emission;  ///< [time, rows, hidden]
  at::Tensor carry;     ///< [rows, hidden], LSTM: of the carry that the model gets
};

/// What a run gave, with a gradient that `adjoint` takes: one node of the autograd graph for all steps, also for many seeds at once
/// under functorch's vmap. `ran` is what came of `input`, no graph attached.
LayerOutput withAdjoint(const LayerInput& input, const LayerLeaves& leaves, const LayerOutput& ran,
                        std::shared_ptr<const LayerAdjoint> adjoint);

}  // namespace heft
