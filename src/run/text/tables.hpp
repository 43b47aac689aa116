#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "run/findings/findings.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// top.csv: a row a place of the ranking. `magnitude_rank` is 1 for the run's largest |weight|; equal
/// magnitudes share the smallest of their places.
void writeTopTable(const Run& run, const Findings& findings, const std::filesystem::path& file);

/// components.csv: a row a component. `impact` is joint, by the first metric; impact_METRIC by each further
/// one.
void writeComponentTable(const Run& run, const std::filesystem::path& file);

/// comparison.json: how well |weight| predicts impact, over all and a parameter; null where undefined.
[[nodiscard]] nlohmann::ordered_json comparisonJson(const Run& run, const Comparison& comparison);

}  // namespace heft
