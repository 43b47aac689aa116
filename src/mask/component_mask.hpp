#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mask/mask.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// Where a share of components is kept: of all, or within each layer (units, gates) or matrix (rows, columns).
enum class ComponentScope { global, layer, matrix };

struct ComponentMaskSettings {
  double keep = 0.2;  ///< share of the components that stay, above 0 to 1
  Level level = Level::unit;
  std::string path;  ///< of units: which of their weights go; "" for other levels
  ComponentScope scope = ComponentScope::global;
};

/// A mask that keeps whole components.
struct ComponentMask {
  Mask mask;
  std::size_t ranked = 0;            ///< components that took part
  std::vector<std::string> removed;  ///< in the model's order
  std::size_t without_score = 0;     ///< components that stay because they have no score
};

/// Keeps the components with the highest scores: the share rounded to whole ones, one at least; of equal scores the one that
/// stands first stays. All weights of each other one go, biases too, also those that it shares with one that stays: what a
/// removed unit is fed by and what reads it. `scores` are as run.components; those of other levels and paths are not looked at.
///
/// Throws Error(Fault::usage) where the run has no such component, for a share outside (0, 1], and a scope that the level
/// doesn't have.
[[nodiscard]] ComponentMask maskOfComponents(const Run& run, std::span<const double> scores,
                                             const ComponentMaskSettings& settings);

/// The level that a run of components alone has its only components of. Throws Error(Fault::usage) where it has several, or none.
[[nodiscard]] Level onlyLevel(const Run& run);

}  // namespace heft
