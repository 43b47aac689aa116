#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "run/run.hpp"

namespace heft {

/// Says whether a weight is wanted: parameter (index into Structure::parameters), row-major place in it.
using KeepWeight = std::function<bool(std::size_t parameter, std::int64_t index)>;

/// Writes a table with a row for each weight that is part of the run and wanted (all where `keep` is empty),
/// in the model's order, and returns how many. Columns: parameter, index (row-major place in the parameter,
/// as in tensor.flatten()), weight, impact, lower, upper, executed (1 or 0), standard_error, layer,
/// direction, gate, unit, column (see WeightPlace). A cell without a value is empty. Throws
/// Error(Fault::output).
std::size_t exportWeights(const Run& run, const std::filesystem::path& file, const KeepWeight& keep = {});

}  // namespace heft
