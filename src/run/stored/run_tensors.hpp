#pragma once

#include <filesystem>

#include "run/stored/run.hpp"

namespace heft {

/// Writes impact, standard_error, lower, upper, weight (float32), measured (uint8) and impact_METRIC for each
/// further metric as FOLDER/*.safetensors: one tensor a parameter, of its first name and its shape. A metric
/// that a parameter has no values of is NaN throughout.
void writeRunTensors(const Run& run, const std::filesystem::path& folder);

/// Fills `run.impacts` for `run.structure`. Throws Error(Fault::output) where a file is missing or a tensor
/// is not of its parameter's shape and type.
void readRunTensors(Run& run, const std::filesystem::path& folder);

}  // namespace heft
