#pragma once

#include <vector>

#include "engine/execute/delta/emission_adjoints.hpp"
#include "engine/forward/runner.hpp"
#include "engine/outputs/layout.hpp"

namespace heft {

/// Of every recurrent layer and direction, call after call: forward is run once, and each output's adjoint taken. Empty where some
/// layer's isn't known step by step (cells and layers that are called again and again, projections) or can't be taken.
std::vector<EmissionAdjoints> emissionAdjoints(Runner& runner, const OutputLayout& layout);

}  // namespace heft
