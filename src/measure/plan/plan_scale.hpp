#pragma once

#include <memory>
#include <utility>

#include "engine/forward/input_cut.hpp"
#include "measure/session/session.hpp"

namespace heft {

/// On how much of the inputs a plan is made, so that it is there within seconds whatever one run takes.
struct PlanScale {
  double load_seconds = 0;  ///< of the model and the inputs
  double run_seconds = 0;   ///< of one run on all inputs; 0: nobody looked, since it is short
  double cut_seconds = 0;   ///< of one run on what the cut leaves
  double seconds = 0;       ///< that finding this out took
  InputCut cut{};
  [[nodiscard]] double times() const { return cut.cuts() && cut_seconds > 0 ? run_seconds / cut_seconds : 1; }
};

/// A session to make a plan on, of a part of the inputs where a plan on all of them would take more than `seconds`. Throws Error as
/// Session.
std::pair<std::unique_ptr<Session>, PlanScale> sessionToPlan(const SessionOptions& options, double seconds);

/// Runs the model on ever larger parts of its inputs, until one takes long enough to tell what all of them take; where a plan on all of
/// them would take more than `seconds`, a part is chosen. Throws Error as Session.
PlanScale planScale(const SessionOptions& options, double seconds);

}  // namespace heft
