#pragma once

#include "engine/estimate/units/unit_plan.hpp"
#include "engine/forward/runner.hpp"

namespace heft {

/// Runs forward once and follows what each parameter feeds, position by position, to where operators mix positions.
/// A parameter is planned where something inside bends (a pointwise operator that is not linear), so that the plain
/// adjoint of its output would not be exact there; where every operator that reads it is known; and where its units are
/// small. A trial run of each has shown that its variants can be run together.
UnitPlan planUnits(Runner& runner);

}  // namespace heft
