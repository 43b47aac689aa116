#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/answer.hpp"
#include "report/groups.hpp"

namespace heft {

/// A block of the zoomable picture: model > layer > direction > matrix > gate > unit (a row) > weight.
struct HierarchyNode {
  std::string label;           ///< short, within its parent: "forget", "unit 12"
  std::string name;            ///< as `heft ablate --component` takes it; "" for the model and for "all others"
  std::string level;           ///< "model", "layer", "direction", "matrix", "gate", "unit", "weight", "others"
  std::ptrdiff_t parent = -1;  ///< place in the list; -1: the model
  ImpactSums sums;
  std::optional<double> joint;  ///< executed jointly, where the run measured this component
};

/// Parents stand before their children; additive(sums) of children add up to their parent's. About `most` nodes: each gate
/// shows its rows of most impact and each row its weights of most impact, all others as one block.
[[nodiscard]] std::vector<HierarchyNode> hierarchyOf(const Run& run, const Groups& groups, std::size_t most = 5000);

/// A component that was executed jointly, beside what its weights do one by one.
struct JointImpact {
  std::string name;
  Level level = Level::matrix;
  std::string path;  ///< of a unit
  std::size_t weights = 0;
  double joint = 0, standard_error = 0;
  double sum = 0;                   ///< of its weights' own impacts; NaN where they were not measured
  std::optional<double> aggregate;  ///< the same by `Aggregate`, where the page knows the members
};

/// By level, largest joint impact first; at most `most` a level.
[[nodiscard]] std::vector<JointImpact> jointImpacts(const Run& run, const Groups& groups, std::size_t most = 300);

[[nodiscard]] Answer hierarchyAnswer(const Run& run, const Groups& groups, const std::vector<JointImpact>& joint);
[[nodiscard]] nlohmann::ordered_json hierarchyJson(const Run& run, const Groups& groups);
/// The same for a run of components alone: no weights to build the picture of, joint impacts alone.
[[nodiscard]] nlohmann::ordered_json componentHierarchyJson(const Run& run, const Groups& groups);

}  // namespace heft
