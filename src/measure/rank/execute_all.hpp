#pragma once

#include <cstddef>

#include "measure/rank/measurer.hpp"

namespace heft {

/// What the method auto may do, in operations of forward_cost.hpp.
struct AutoCosts {
  double variant = 0;     ///< executing one weight
  double executing = 0;   ///< executing every selected weight
  double estimating = 0;  ///< estimates of all, the random sample and the top

  /// Executing all of them takes less, or little.
  [[nodiscard]] bool executesAll() const;
  /// Weights that may be executed beyond what the top asks for, where intervals are wide: as much again as the estimates take,
  /// or what counts as little.
  [[nodiscard]] std::size_t spare() const;
  /// Weights without an estimate that are executed where no budget is given.
  [[nodiscard]] std::size_t most() const;
};

/// Counted from the model, its inputs and the settings alone, and from which variants run many at once (Executor::prepare), never
/// by the clock: results must not depend on a machine's speed.
[[nodiscard]] AutoCosts autoCosts(Session& session, const RankSettings& settings, const SelectedWeights& selected,
                                  Measurer& measurer);

/// Whether every selected weight is executed: by the method, or because auto finds that it takes less than estimates, or little.
/// A budget below that leaves auto with its estimates.
[[nodiscard]] bool executesEverything(const RankSettings& settings, const SelectedWeights& selected,
                                      const AutoCosts& costs);

}  // namespace heft
