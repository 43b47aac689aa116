#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "measure/weights/component.hpp"

namespace heft {

class Session;

/// Masks as ZeroScope takes them: true for the component's weights, undefined for parameters that it leaves alone.
std::vector<at::Tensor> masksOf(const Structure& structure, const Component& component);

/// What the session's model gives with its weights as they are now: float64 [samples, elements].
at::Tensor outputsOf(Session& session);
/// The same on other inputs, values as the runner takes them.
at::Tensor outputsOf(Session& session, const std::vector<c10::IValue>& inputs);

/// What the session's model gives with the masked weights at zero: float64 [samples, elements].
at::Tensor outputsWithout(Session& session, const std::vector<at::Tensor>& masks);
at::Tensor outputsWithout(Session& session, const std::vector<at::Tensor>& masks,
                          const std::vector<c10::IValue>& inputs);

}  // namespace heft
