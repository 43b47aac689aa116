#include "run/text/tables.hpp"

#include <limits>

#include "data/csv.hpp"
#include "model/weight_label.hpp"
#include "run/stored/json_text.hpp"
#include "run/text/place_cells.hpp"

namespace heft {

using nlohmann::ordered_json;

namespace {

ordered_json agreementJson(const Agreement& agreement) {
  return {{"weights", agreement.weights},
          {"spearman", finiteOrNull(agreement.spearman)},
          {"kendall", finiteOrNull(agreement.kendall)},
          {"top", agreement.top},
          {"top_overlap", finiteOrNull(agreement.overlap)},
          {"top_overlap_by_chance", finiteOrNull(agreement.chance)}};
}

double jointOf(const ComponentImpact& component, Metric metric) {
  const auto found = component.joint.find(std::string(name(metric)));
  return found == component.joint.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

}  // namespace

void writeTopTable(const Run& run, const Findings& findings, const std::filesystem::path& file) {
  CsvWriter table(file, withPlaceColumns({"rank", "name", "parameter", "index", "weight", "impact", "lower", "upper",
                                          "executed", "standard_error", "magnitude_rank"}));
  std::size_t rank = 0;
  for (const TopWeight& row : findings.top) {
    const ParameterInfo& info = run.structure.parameters[row.parameter];
    table.cell(++rank).cell(weightLabel(info, row.index)).cell(info.name).cell(row.index);
    table.cell(row.weight).cell(row.impact).cell(row.lower).cell(row.upper).cell(row.executed ? 1 : 0);
    table.cell(row.standard_error).cell(row.magnitude_rank);
    writePlace(table, describeWeight(run.structure, row.parameter, row.index));
    table.endRow();
  }
  table.commit();
}

void writeComponentTable(const Run& run, const std::filesystem::path& file) {
  const std::vector<Metric>& metrics = run.settings.metrics;
  std::vector<std::string> columns = {"name", "level", "path", "weights", "impact"};
  for (std::size_t m = 1; m < metrics.size(); ++m) columns.push_back("impact_" + std::string(name(metrics[m])));
  columns.insert(columns.end(), {"standard_error", "sum", "magnitude"});
  CsvWriter table(file, columns);
  for (const ComponentImpact& component : run.components) {
    table.cell(component.name).cell(name(component.level));
    component.path.empty() ? table.missing() : table.cell(component.path);
    table.cell(component.weights);
    for (const Metric metric : metrics) table.cell(jointOf(component, metric));
    table.cell(component.standard_error).cell(component.sum).cell(component.magnitude).endRow();
  }
  table.commit();
}

ordered_json comparisonJson(const Run& run, const Comparison& comparison) {
  ordered_json parameters = ordered_json::array();
  for (const Agreement& each : comparison.parameters) {
    ordered_json row = {{"name", each.name}};
    row.update(agreementJson(each));
    parameters.push_back(std::move(row));
  }
  return {{"criterion", "magnitude"},
          {"metric", name(run.settings.metrics.front())},
          {"overall", agreementJson(comparison.overall)},
          {"parameters", std::move(parameters)}};
}

}  // namespace heft
