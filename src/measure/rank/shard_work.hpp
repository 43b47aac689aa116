#pragma once

#include <cstdint>
#include <vector>

#include "measure/rank/method.hpp"
#include "run/stored/shard.hpp"

namespace heft {

/// The weights (FlatWeights) that a shard executes, ascending. All parts of one division together hold every weight that the
/// ranking is sure to execute, once: all of them (exhaustive), or the random sample for the calibration (response, auto). Of
/// what auto executes further, which depends on what it has measured by then, they hold what the estimates predict, so that
/// whoever finishes the ranking has little left to do; what was predicted in vain changes nothing but the time.
///
/// Decided once: a shard that goes on after it was stopped finds it in its checkpoint. Takes estimates, where the method needs
/// them; parts that begin with the same estimates and calibration (a checkpoint that they took) divide the same list.
std::vector<std::uint64_t> shardWork(const MethodTask& task, const Shard& shard, Run& run);

}  // namespace heft
