#pragma once

#include <functional>
#include <string>

#include "measure/estimate/response.hpp"
#include "measure/rank/measurer.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// What a method works with. It fills the run's impacts of the selected weights, and its calibration, settled and cost
/// where it has them.
struct MethodTask {
  Session& session;
  const RankSettings& settings;
  const SelectedWeights& selected;
  const Selection& selection;
  Measurer& measurer;
  Checkpoint& checkpoint;
  StageProgress progress;  ///< may throw to stop
  bool known_only =
      false;  ///< exhaustive and components: nothing is executed, what the checkpoint lacks stays unmeasured
};

/// Every selected weight is executed; `reference` and `exhaustive` differ in the executor alone.
void measureExhaustive(const MethodTask& task, Run& run);

/// How many of the selected weights that executes, from the first on: all that the budget allows.
std::size_t exhaustiveWeights(const MethodTask& task);

/// Every selected weight is estimated by unit response, and a random sample is executed to say how far off that is.
void measureResponse(const MethodTask& task, Run& run);

/// As response, and the top is executed until it is settled.
void measureAuto(const MethodTask& task, Run& run);

/// Puts a measured weight into the run.
void storeMeasured(const RankSettings& settings, FlatWeights::Place place, const Measured& measured, Run& run);

}  // namespace heft
