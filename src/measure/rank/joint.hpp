#pragma once

#include "measure/rank/method.hpp"
#include "measure/weights/component.hpp"
#include "run/stored/shard.hpp"

namespace heft {

/// The components above a weight that the settings ask for, units with each of their paths.
std::vector<Component> componentsOf(const Structure& structure, const RankSettings& settings,
                                    const Selection& selection);

/// Executes each component, all its weights together, and puts its joint impact into the run beside the sum of its
/// members' own impacts.
void measureJointly(const MethodTask& task, const std::vector<Component>& components, Run& run);

/// Executes a shard's part of the components; their results are in the checkpoint then.
void measureJointlyInShard(const MethodTask& task, const std::vector<Component>& components, const Shard& shard);

}  // namespace heft
