#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "compare/cards.hpp"
#include "compare/measures/disagreeing_weights.hpp"
#include "compare/measures/effects.hpp"
#include "compare/measures/held_features.hpp"
#include "compare/measures/outlier_groups.hpp"
#include "compare/measures/removal.hpp"
#include "compare/shift.hpp"

namespace heft {

// Sections of comparison.json. Numbers are unrounded; what is undefined is null.

/// By name: {"label", "seconds", "overall": {…}, "parameters": {NAME: {…}}, "gates": {…}, "layers": {…}}, each with "weights",
/// "spearman", "kendall", "overlap" by share, "rbo"; "overall" with "deletion_area", "insertion_area" and their intervals.
[[nodiscard]] nlohmann::ordered_json criteriaSection(std::span<const CriterionCard> cards);
/// A list of {"criterion", "kind", "share": […], "change": […], "loss": […] or null, "accuracy": […] or null}.
[[nodiscard]] nlohmann::ordered_json curvesSection(std::span<const RemovalCurve> curves);
/// The model with all its weights, on the curves' inputs: {"rms", "loss" or null, "accuracy" or null}.
[[nodiscard]] nlohmann::ordered_json baselineSection(const RemovalBaseline& baseline);
[[nodiscard]] nlohmann::ordered_json effectsSection(const Effects& effects);
[[nodiscard]] nlohmann::ordered_json featuresSection(const HeldFeatures& features);
[[nodiscard]] nlohmann::ordered_json outliersSection(std::span<const OutlierGroups> outliers);
/// `other` names the second run.
[[nodiscard]] nlohmann::ordered_json shiftSection(const Shift& shift, const Structure& structure,
                                                  const std::string& other);

[[nodiscard]] nlohmann::ordered_json listSection(std::span<const DisagreeingWeight> list, const Structure& structure);

}  // namespace heft
