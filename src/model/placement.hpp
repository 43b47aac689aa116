#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace heft {

/// Rewrites the arguments of `op` that lie on top of `stack` so that it runs on `device`, wherever the model was written or
/// traced for.
///
/// Device arguments that name another one follow; what would be made on the default device is made there; tensors that forward
/// made on the CPU all the same follow those that lie on the device. Written arguments stay where they are, and what else the
/// operator takes follows them. What an operator takes on the CPU alone (the lengths of packed sequences) stays there, and so do
/// conversions to the CPU, which TorchScript makes of its own accord where it reads values.
void placeArguments(const c10::OperatorHandle& op, torch::jit::Stack& stack, c10::Device device);

}  // namespace heft
