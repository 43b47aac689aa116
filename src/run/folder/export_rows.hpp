#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "model/weight_label.hpp"
#include "run/folder/export.hpp"

namespace heft {

/// One weight of a table.
struct ExportRow {
  std::size_t parameter = 0;
  std::int64_t index = 0;  ///< row-major place in the parameter
  const WeightPlace& place;
};

/// Whether a weight is part of the run and wanted.
[[nodiscard]] inline bool isExported(const Run& run, const KeepWeight& keep, std::size_t parameter,
                                     std::int64_t index) {
  return !std::isnan(run.impacts[parameter].impact[static_cast<std::size_t>(index)]) &&
         (!keep || keep(parameter, index));
}

/// Calls `visit(const ExportRow&)` for each of them, in the model's order.
template <typename Visit>
void eachExported(const Run& run, const KeepWeight& keep, Visit visit) {
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    const std::int64_t columns = run.structure.parameters[p].columns();
    const auto weights = static_cast<std::int64_t>(run.impacts[p].impact.size());
    WeightPlace place;
    std::int64_t placed_row = -1;
    for (std::int64_t index = 0; index < weights; ++index) {
      if (!isExported(run, keep, p, index)) continue;
      // All of a row but the column is the same; describing 3 million weights one by one takes longer than writing
      // them.
      if (index / columns != placed_row) {
        place = describeWeight(run.structure, p, index);
        placed_row = index / columns;
      } else if (place.column) {
        place.column = index % columns;
      }
      visit(ExportRow{p, index, place});
    }
  }
}

}  // namespace heft
