#pragma once

#include <functional>
#include <vector>

#include "engine/forward/runner.hpp"

namespace heft {

/// Multiplications that one run does at most, about: each weight once for each value of the first input.
double runProducts(const Model& model, const Inputs& inputs);

/// Seconds of the work that one call does, as it would take with the machine for itself: of this thread's time on its processor, which
/// does its share of what threads do together and doesn't count while others have the processor. What a device does is waited for, by
/// the clock.
double secondsOfRun(const std::function<std::vector<NamedOutput>()>& run);

/// The least of several calls, as many as take a quarter of a second together.
double leastSecondsOfRun(const std::function<std::vector<NamedOutput>()>& run);

}  // namespace heft
