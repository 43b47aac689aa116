#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <vector>

#include "engine/execute/executor.hpp"

namespace heft {

/// Spreads variants over executors of the same model on the same inputs, each on a device of its own and a thread of its own:
/// pieces of `piece` variants go to whoever is free, and what they give is received in order, on the device `to`. Devices of one
/// kind give the same bits, so it does not show who executed what. What one of them throws ends the whole. `executors`: one at
/// least, each with its own model.
std::unique_ptr<Executor> makeSpreadExecutor(std::vector<std::unique_ptr<Executor>> executors, size_t piece,
                                             c10::Device to);

}  // namespace heft
