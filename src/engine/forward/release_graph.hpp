#pragma once

#include <ATen/core/Tensor.h>

namespace heft {

/// Lets go of what autograd kept to walk back from `output`; it can't be walked any more. Where forward writes a state in place that
/// it has read before, a graph holds itself by what it kept, and would otherwise never be freed.
void releaseGraph(const at::Tensor& output);

}  // namespace heft
