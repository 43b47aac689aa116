#include "run/folder/export.hpp"

#include "data/csv.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/export_rows.hpp"
#include "run/text/place_cells.hpp"

namespace heft {

std::size_t exportWeights(const Run& run, const std::filesystem::path& file, const KeepWeight& keep) {
  checkSizes(run);
  CsvWriter table(file, withPlaceColumns({"parameter", "index", "weight", "impact", "lower", "upper", "executed",
                                          "standard_error"}));
  std::size_t written = 0;
  eachExported(run, keep, [&](const ExportRow& row) {
    const ParameterImpacts& from = run.impacts[row.parameter];
    const auto i = static_cast<std::size_t>(row.index);
    table.cell(run.structure.parameters[row.parameter].name).cell(row.index).cell(from.weight[i]).cell(from.impact[i]);
    table.cell(from.lower[i]).cell(from.upper[i]).cell(from.measured[i] != 0 ? 1 : 0).cell(from.standard_error[i]);
    writePlace(table, row.place);
    table.endRow();
    ++written;
  });
  table.commit();
  return written;
}

}  // namespace heft
