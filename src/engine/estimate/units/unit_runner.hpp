#pragma once

#include <span>

#include "engine/estimate/units/unit_plan.hpp"
#include "engine/execute/executor.hpp"

namespace heft {

/// Runs weights of many units at once, exactly inside the units: what leaves a unit goes on as in the baseline, and its
/// change is handed back instead.
class UnitRunner {
 public:
  UnitRunner(Runner& runner, const UnitPlan& plan);

  /// Changes that `variants`, each of some weights of `units.parameter` that lie in different units, cause at
  /// the parameter's exits: [variants, positions], the exits one after the other in the parameter's own order.
  at::Tensor run(const UnitParameter& units, std::span<const Variant> variants);

  /// Variants that one run of a parameter should take at most.
  [[nodiscard]] int64_t most(const UnitParameter& units);

 private:
  Runner& runner_;
  const UnitPlan& plan_;
  int64_t bytes_ = 0;  ///< of activations, a variant; 0 until somebody asks, since it takes a run
};

}  // namespace heft
