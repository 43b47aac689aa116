#pragma once

#include <torch/script.h>

namespace heft {

/// Turns `tensor.data` into `tensor.detach()`, which has the same values and memory. The interpreter reads `.data` by itself: nobody who
/// follows operators would see what goes through it.
void readDataAsDetached(const torch::jit::Module& module);

}  // namespace heft
