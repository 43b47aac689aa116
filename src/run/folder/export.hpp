#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "run/stored/run.hpp"

namespace heft {

/// Says whether a weight is wanted: parameter (index into Structure::parameters), row-major place in it.
using KeepWeight = std::function<bool(std::size_t parameter, std::int64_t index)>;

/// Writes a table with a row for each weight that is part of the run and wanted (all where `keep` is empty),
/// in the model's order, and returns how many. Columns: parameter, index (row-major place in the parameter,
/// as in tensor.flatten()), weight, impact, lower, upper, executed (1 or 0), standard_error, layer,
/// direction, gate, unit, column (see WeightPlace). A cell without a value is empty. Throws
/// Error(Fault::output).
std::size_t exportWeights(const Run& run, const std::filesystem::path& file, const KeepWeight& keep = {});

/// The same table as .npz: an array a column, all as long as there are rows, so that pandas.DataFrame(dict(numpy.load(FILE)))
/// is the table. Numbers have the types they are measured in: index int64; weight, impact, lower, upper, standard_error
/// float32; executed bool; unit and column int32, -1 where there is none. Texts (parameter, layer, direction, gate) are
/// compressed, since they repeat themselves; "" where there is none.
std::size_t exportNpz(const Run& run, const std::filesystem::path& file, const KeepWeight& keep = {});

/// The values as .safetensors: for each parameter that has a weight in the table, the tensors "impact/NAME", "weight/NAME",
/// "lower/NAME", "upper/NAME", "standard_error/NAME" (float32, NaN for weights that are not in the table) and
/// "executed/NAME" (bool), of the parameter's shape.
std::size_t exportSafetensors(const Run& run, const std::filesystem::path& file, const KeepWeight& keep = {});

}  // namespace heft
