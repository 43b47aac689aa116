#pragma once

#include <functional>
#include <span>
#include <vector>

#include "measure/session/session.hpp"
#include "measure/weights/component.hpp"
#include "measure/weights/flat_weights.hpp"
#include "run/stored/settings.hpp"

namespace heft {

/// Impacts of single weights by the settings' first metric, each executed alone by the loop, in float64 where the model
/// allows: what every other method is held against. [weights], in the order given. `done` is called after each
/// with how many are measured, and may throw to stop.
std::vector<double> referenceImpacts(Session& session, const RankSettings& settings,
                                     std::span<const FlatWeights::Place> weights,
                                     const std::function<void(std::size_t)>& done);

/// A component's.
struct ComponentReference {
  double impact = 0;
  std::vector<double> by_group;  ///< where the settings name groups
};

/// The same of components, each changed as a whole.
std::vector<ComponentReference> referenceImpacts(Session& session, const RankSettings& settings,
                                                 std::span<const Component> components,
                                                 const std::function<void(std::size_t)>& done);

}  // namespace heft
