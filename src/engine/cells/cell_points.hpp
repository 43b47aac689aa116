#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "engine/cells/cell_kind.hpp"

namespace heft {

/// What the baseline fixes of a layer's units, as the kernels want it: pointSize(kind) tensors [..., hidden], in its order.
/// `input` and `recurrent` are the two terms of the pre-activations, [..., gates x hidden]; `carry` [..., hidden] is the
/// carry before the step: c of an LSTM, h of a GRU; not looked at for an RNN.
std::vector<at::Tensor> cellPoints(CellKind kind, const at::Tensor& input, const at::Tensor& recurrent,
                                   const at::Tensor& carry);

}  // namespace heft
