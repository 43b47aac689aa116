#pragma once

#include "engine/estimate/sites/site.hpp"

namespace heft {

/// How often a site multiplies its matrices by a vector in one run: samples x steps, of whichever of its leaves has most.
[[nodiscard]] double readingsOf(const Site& site);

}  // namespace heft
