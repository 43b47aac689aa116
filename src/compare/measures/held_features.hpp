#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace heft {

class Session;

/// How much of a group's joint impact (rms, all its weights set to zero) goes when one input feature is held at its mean over all
/// samples and steps: 1 - held impact / impact. Near 1: the group does nothing but carry the feature; below 0: it does more without.
struct HeldFeatures {
  std::vector<std::string> names;          ///< of the features that were held
  std::vector<std::string> groups;         ///< layers and gates, as `heft ablate --component` takes them
  std::vector<std::vector<double>> share;  ///< [groups][features]; NaN where the group's impact is 0
  /// By feature: the units of the first recurrent layers by their share, the largest first; none that has no share.
  std::vector<std::vector<std::pair<std::string, double>>> top_units;
};

/// Where running the model takes long, layers alone are looked at, and of the features those that vary most.
/// None where the model has no features to hold (inputFeatures). `names` may be empty ("feature 0", …); throws Error(Fault::usage)
/// where there are more or fewer than features. `progress` may throw to stop.
std::optional<HeldFeatures> holdFeatures(Session& session, std::span<const std::string> names,
                                         const std::function<void(double share)>& progress);

}  // namespace heft
