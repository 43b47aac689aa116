#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "run/findings/findings.hpp"
#include "run/stored/run.hpp"

namespace heft {

// The sections that need the model: `heft compare` leaves them in comparison.json. Each function takes that document and
// gives the section as the page reads it; one that is absent, or not of the form expected, is a `missingJson`.

/// comparison.json of a run folder; null where there is none or it can't be read.
[[nodiscard]] nlohmann::json readComparison(const std::filesystem::path& folder);

/// How well |weight| predicts impact, as `heft rank` worked it out; none where the document doesn't hold it for exactly the
/// weights that the run has.
[[nodiscard]] std::optional<Comparison> agreementsOf(const nlohmann::json& comparison, const Run& run);

/// "criteria": cheap scores against impact. Without it, magnitude alone, from the run.
[[nodiscard]] nlohmann::ordered_json criteriaJson(const nlohmann::json& comparison, const std::string& folder);
/// "curves": what happens when weights are removed, or kept, in the order of a criterion.
[[nodiscard]] nlohmann::ordered_json curvesJson(const nlohmann::json& comparison, const std::string& folder);
/// "effects": which outputs rise and fall when groups are removed, and how much each output moves.
[[nodiscard]] nlohmann::ordered_json effectsJson(const nlohmann::json& comparison, const std::string& folder);
/// "features": the share of each group's impact that goes when an input feature is held at its mean.
[[nodiscard]] nlohmann::ordered_json featuresJson(const nlohmann::json& comparison, const std::string& folder);
/// "shift": the same ranking on another set of inputs.
[[nodiscard]] nlohmann::ordered_json shiftJson(const nlohmann::json& comparison, const std::string& folder);
/// Puts the lists of comparison.json in the place of the section's own, where it has them.
void takeLists(const nlohmann::json& comparison, nlohmann::ordered_json& magnitude);

}  // namespace heft
