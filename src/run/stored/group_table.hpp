#pragma once

#include <filesystem>

#include "run/stored/run.hpp"

namespace heft {

/// groups.safetensors of a run folder: the components' impacts on each group of the outputs, "impact" (by the first metric),
/// "standard_error" and "impact_METRIC" for each further metric, float64 [components, groups]: rows are run.json's "components"
/// and the rows of components.csv, columns run.json's "groups". Writes nothing for a run without groups.
void writeGroupTable(const Run& run, const std::filesystem::path& folder);

/// Fills the components' group impacts, for a run that has groups. Throws Error(Fault::output) where the file is missing,
/// damaged, or not of the run's components and groups.
void readGroupTable(Run& run, const std::filesystem::path& folder);

/// The value of a component on a group by a metric; NaN where there is none.
[[nodiscard]] double groupImpact(const ComponentImpact& component, Metric metric, std::size_t group);
[[nodiscard]] double groupError(const ComponentImpact& component, std::size_t group);

}  // namespace heft
