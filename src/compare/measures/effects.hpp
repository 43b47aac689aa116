#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "measure/weights/component.hpp"

namespace heft {

class Session;

/// What the outputs do when all weights of one sign in a group are set to zero.
struct Effect {
  std::string name;  ///< of the group, as `heft ablate --component` takes it
  Level level = Level::layer;
  std::string sign;  ///< "negative", "positive", "all"
  std::int64_t weights = 0;
  double joint = 0;            ///< rms of the change
  std::vector<double> change;  ///< [outputs]: mean over samples (and positions), with its sign
  std::vector<double> impact;  ///< [outputs]: rms
};

struct Effects {
  std::vector<std::string> outputs;  ///< "class 3" where targets are classes, else "output 3"; at most 200
  std::vector<Effect> groups;
};

/// Executes every layer and gate of the model by sign. `progress` may throw to stop.
Effects effectsOf(Session& session, const std::function<void(double share)>& progress);

}  // namespace heft
