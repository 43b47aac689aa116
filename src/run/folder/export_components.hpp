#pragma once

#include <cstddef>
#include <filesystem>

#include "run/stored/run.hpp"

namespace heft {

/// Writes a table with a row for each of the run's components, in its order, and returns how many. Columns: name, level, layer,
/// gate, unit, path (empty where there is none), weights, impact, impact_METRIC for each further metric, standard_error, sum,
/// magnitude; then for each group of the outputs "impact[BY=NAME]", "impact_METRIC[BY=NAME]" and "standard_error[BY=NAME]", as
/// in impact[class=3]. A cell without a value is empty. Throws Error(Fault::output).
std::size_t exportComponents(const Run& run, const std::filesystem::path& file);

/// The same as .npz, an array a column: texts, int64 (weights; unit, -1 where there is none) and float64.
std::size_t exportComponentsNpz(const Run& run, const std::filesystem::path& file);

/// The numbers as .safetensors: "weights" (int64), "impact", "impact_METRIC", "standard_error", "sum", "magnitude" [components],
/// and with groups "impact_by_group", "impact_METRIC_by_group", "standard_error_by_group" [components, groups], float64. The
/// header's metadata holds "components" and "groups", lists of names as JSON, and "by".
std::size_t exportComponentsSafetensors(const Run& run, const std::filesystem::path& file);

}  // namespace heft
