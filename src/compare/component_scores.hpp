#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compare/measures/criteria.hpp"
#include "run/stored/run.hpp"

namespace heft {

// Scores of components are [components], as Run::components.

/// What their weights' scores add up to; NaN where none of them has one.
[[nodiscard]] std::vector<double> summedScores(const Run& run, const CriterionScores& scores);

/// The impact there less the impact here; NaN where `there` has no such component.
[[nodiscard]] std::vector<double> componentShift(const Run& here, const Run& there);

/// How well a cheap score predicts the joint impact of components.
struct ComponentCard {
  std::string name, label;
  std::vector<std::optional<double>> spearman;  ///< by rankedKinds(run); none where one side is constant
};

/// A card for each criterion, what its scores of single weights add up to against impact; of magnitude the norm, which is what
/// structured pruning takes.
[[nodiscard]] std::vector<ComponentCard> componentCards(const Run& run, std::span<const CriterionScores> scores);

/// For a terminal: a row a criterion, the closest to the first kind's impacts first.
[[nodiscard]] std::string componentCardsText(const Run& run, std::span<const ComponentCard> cards);

/// "component_criteria" of comparison.json: {NAME: {"label", "kinds": [{"level", "path", "components", "spearman"}]}}.
[[nodiscard]] nlohmann::ordered_json componentCriteriaSection(const Run& run, std::span<const ComponentCard> cards);

}  // namespace heft
