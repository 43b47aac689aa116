#pragma once

#include <span>
#include <vector>

#include "engine/execute/executor.hpp"

namespace heft {

/// What stands in the model where the variants change `parameter`: one value for each changed place, variant after variant, in the
/// order of their changes. From a device these values alone are fetched.
std::vector<double> valuesBefore(const Model& model, std::span<const Variant> variants, int64_t parameter);

}  // namespace heft
