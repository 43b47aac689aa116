#pragma once

#include <span>
#include <vector>

#include "engine/execute/delta/cell_change.hpp"
#include "engine/execute/executor.hpp"

namespace heft {

/// What each of `variants` adds to `parameter`, seen as a matrix [first dimension, all others].
std::vector<std::vector<WeightEntry>> entriesOf(const Model& model, std::span<const Variant> variants,
                                                int64_t parameter);

}  // namespace heft
