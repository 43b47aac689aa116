#include "run/export.hpp"

#include <cmath>

#include "data/csv.hpp"
#include "model/weight_label.hpp"
#include "run/findings.hpp"
#include "run/place_cells.hpp"

namespace heft {
namespace {

std::size_t exportParameter(const Run& run, std::size_t parameter, const KeepWeight& keep, CsvWriter& table) {
  const ParameterInfo& info = run.structure.parameters[parameter];
  const ParameterImpacts& from = run.impacts[parameter];
  const std::int64_t columns = info.columns();
  std::size_t written = 0;
  WeightPlace place;
  std::int64_t placed_row = -1;
  for (std::size_t i = 0; i < from.impact.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    if (std::isnan(from.impact[i]) || (keep && !keep(parameter, index))) continue;
    // All of a row but the column is the same; describing 3 million weights one by one takes longer than
    // writing them.
    if (index / columns != placed_row) {
      place = describeWeight(run.structure, parameter, index);
      placed_row = index / columns;
    } else if (place.column) {
      place.column = index % columns;
    }
    table.cell(info.name).cell(index).cell(from.weight[i]).cell(from.impact[i]);
    table.cell(from.lower[i]).cell(from.upper[i]).cell(from.measured[i] != 0 ? 1 : 0).cell(from.standard_error[i]);
    writePlace(table, place);
    table.endRow();
    ++written;
  }
  return written;
}

}  // namespace

std::size_t exportWeights(const Run& run, const std::filesystem::path& file, const KeepWeight& keep) {
  checkSizes(run);
  CsvWriter table(file, withPlaceColumns({"parameter", "index", "weight", "impact", "lower", "upper", "executed",
                                          "standard_error"}));
  std::size_t written = 0;
  for (std::size_t p = 0; p < run.impacts.size(); ++p) written += exportParameter(run, p, keep, table);
  table.commit();
  return written;
}

}  // namespace heft
